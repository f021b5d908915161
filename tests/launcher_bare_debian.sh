#!/bin/sh
# The promise of ./waggle, kept on a real machine: a bare Debian 12 with Python 3.11, git and an empty home folder.
# Minutes long, as root, with debootstrap; part of `./waggle test --all`. It leaves nothing behind.
#
#   sh tests/launcher_bare_debian.sh            the last commit
#   sh tests/launcher_bare_debian.sh --as-is    the files as they are, committed or not
set -eu
# In namespaces of its own, so that its mounts and processes end with it, however it ends.
[ "${BARE_DEBIAN-}" ] || BARE_DEBIAN=1 exec unshare --mount --pid --fork --kill-child --mount-proc sh "$0" "$@"
home=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d "${TMPDIR:-/tmp}/bare-debian.XXXXXX")
mirror=${DEBIAN_MIRROR:-} # debootstrap's own choice unless given

clean_up() {
    code=$?
    trap - EXIT INT TERM
    sed -n "s|^[^ ]* \(${root}[^ ]*\) .*|\1|p" /proc/mounts | sort -r | while read -r mounted; do
        umount "$mounted" 2>/dev/null || umount -l "$mounted"
    done
    # Only what lies on this file system, so that a mount that would not go is never emptied.
    rm -rf --one-file-system "$root" "$root.log"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

began=$(date +%s)
say() { printf '%4d s  %s\n' $(($(date +%s) - began)) "$*"; }
fail() { say "FAILED: $*" && exit 1; }

# Run a shell command in the bare Debian, as root with an empty home, and nothing from here but the way to the index.
inside() {
    say "\$ $*"
    # shellcheck disable=SC2016 # expanded by the inner shell
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        sh -c '. "$1/etc/index.env" && exec chroot "$1" sh -c "$2" </dev/null' - "$root" "$*" 2>&1
}

say "debootstrap, a minimal Debian 12"
debootstrap --variant=minbase --include=python3,ca-certificates,git bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
    { tail -n 5 "$root.log" && fail "debootstrap"; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"

# The way to the package index as this machine has it: settings, certificates, name resolution, folders of wheels.
env | grep -E '^(PIP|UV|SSL|REQUESTS|CURL)_|_(proxy|PROXY)=|^(http|https|no|all)_proxy=' |
    sed "s/'/'\\\\''/g; s/^\([^=]*\)=\(.*\)/export \1='\2'/" >"$root/etc/index.env"
for file in /etc/pip.conf /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
cp -R /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
if python3 -m pip config list >"$root/pip-settings" 2>/dev/null; then
    for setting in find-links index-url extra-index-url; do
        words=$(sed -n "s/^[a-z:.]*\.$setting='\(.*\)'$/\1/p" "$root/pip-settings" | sed 's/\\n/ /g' | xargs)
        [ -z "$words" ] || printf "export PIP_%s='%s'\n" "$(echo "$setting" | tr a-z- A-Z_)" "$words" >>"$root/etc/index.env"
        for word in $words; do
            case $word in
            file:///*/simple | file:///*/simple/) folder=$(dirname "${word#file://}") ;; # the wheels lie beside it
            file:///*) folder=${word#file://} ;;
            /*) folder=$word ;;
            *) continue ;;
            esac
            if [ ! -d "$folder" ] || [ -d "$root$folder" ]; then continue; fi
            mkdir -p "$root$folder"
            mount --bind "$folder" "$root$folder"
            mount -o remount,bind,ro "$root$folder"
        done
    done
fi

say "a clean clone"
git clone --quiet --no-hardlinks "$home" "$root/root/waggledance"
if [ "${1-}" = --as-is ]; then
    (cd "$home" && git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - 2>/dev/null) |
        tar -C "$root/root/waggledance" -xf -
fi

say "without python3-venv"
said=$(inside 'cd ~/waggledance && ./waggle --help') && code=0 || code=$?
echo "$said"
[ "$code" = 69 ] || fail "exit code $code instead of 69"
case $said in *"apt-get install python3-venv"*) ;; *) fail "the sentence that names python3-venv is missing" ;; esac

say "what the sentence says"
inside 'apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null' >"$root/apt.log" 2>&1 ||
    { tail -n 5 "$root/apt.log" && fail "apt-get install python3-venv"; }

inside 'cd ~/waggledance && ./waggle --help' || fail "./waggle --help"
inside 'cd / && ~/waggledance/waggle ask "A farmer has 17 sheep. All but 9 run away. How many are left?"' || fail "./waggle ask"
inside 'cd ~/waggledance && ./waggle test' || fail "./waggle test"
inside 'cd ~/waggledance && git status --short' | tail -n +2 | grep . && fail "the checkout is no longer clean"
say "a bare Debian passed"
