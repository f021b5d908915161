"""`./waggle` sets itself up once, repairs what was cut short, and says in one sentence what to do when it cannot.

Each test gets a small checkout of its own: the real launcher, beside a project without dependencies whose build
backend is one file in the checkout. So real environments are made and real pip runs, in a second and without a network.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).parent.parent
COULD_NOT_SET_UP = 69

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"
requires-python = ">=3.11"
dependencies = []

[dependency-groups]
test = []
"""

BACKEND = '''\
"""Builds the editable wheel of the tiny project: a path, and a command that prints how it was called."""

import os
import time
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    print("building", flush=True)
    time.sleep(float(os.environ.get("BUILD_SECONDS", "0")))
    if os.environ.get("BUILD_SAYS"):
        raise OSError(os.environ["BUILD_SAYS"])
    name = "tiny-1-py3-none-any.whl"
    requires = "".join(f"Requires-Dist: {one}\\n" for one in os.environ.get("BUILD_NEEDS", "").split())
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tiny.pth", os.path.abspath("src"))
        wheel.writestr("tiny-1.dist-info/METADATA", f"Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n{requires}")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/entry_points.txt", "[console_scripts]\\nwaggle = tiny:main\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
'''

COMMAND = """\
import os, sys
def main():
    print("ran", *sys.argv[1:], "in", os.getcwd())
    sys.exit(7 if "fail" in sys.argv else 0)
"""

# `-m venv` without ensurepip (three seconds), lent the pip that runs this test instead.
FAST_PYTHON = """\
#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec "{python}" "$@"
"{python}" -m venv --without-pip "$3" && ln -s "{site}/pip" "{site}"/pip-*.dist-info "$3"/lib/python3*/site-packages/
printf '#!/bin/sh\\n' >"$3/bin/pip"
"""


@dataclass
class Checkout:
    """A folder with a launcher in it, and the environment its commands are run in."""

    home: Path
    programs: Path
    env: dict[str, str] = field(default_factory=dict[str, str])

    def start(self, *args: str, cwd: Path | None = None, via: Path | None = None, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [via or self.home / "waggle", *args],
            cwd=cwd or self.home,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str, cwd: Path | None = None, via: Path | None = None, **env: str) -> Ran:
        process = self.start(*args, cwd=cwd, via=via, **env)
        out, err = process.communicate(timeout=60)
        return Ran(process.returncode, out, err)

    def program(self, name: str, script: str) -> None:
        """Put a shell script on PATH, before everything else."""
        (self.programs / name).write_text("#!/bin/sh\n" + script + "\n")
        (self.programs / name).chmod(0o755)

    def only_these_on_path(self, *names: str) -> None:
        """Leave nothing on PATH but these programs and what `program` put there."""
        for name in names:
            found = shutil.which(name)
            assert found, name
            (self.programs / name).symlink_to(found)
        self.env["PATH"] = str(self.programs)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The last line on stderr; every earlier one must be a step of the set-up."""
        assert self.code == COULD_NOT_SET_UP, self
        assert self.out == ""
        assert self.err.endswith("\n")
        *steps, last = self.err.splitlines()
        assert all(step.endswith("…") for step in steps), self.err
        return last


SHELL_TOOLS = ("sh", "cksum", "df", "grep", "ln", "mkdir", "mv", "readlink", "rm", "sleep", "tail")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    home = tmp_path / "a checkout"
    programs = tmp_path / "programs"
    (home / "src").mkdir(parents=True)
    programs.mkdir()
    (tmp_path / "temporary").mkdir()
    shutil.copy(ROOT / "waggle", home)
    (home / "pyproject.toml").write_text(PYPROJECT)
    (home / "backend.py").write_text(BACKEND)
    (home / "src" / "tiny.py").write_text(COMMAND)
    here = Checkout(home, programs)
    here.program("fast-python", FAST_PYTHON.format(python=sys.executable, site=Path(pip.__path__[0]).parent)[10:])
    here.env = {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "WAGGLE_PYTHON": str(programs / "fast-python"),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(tmp_path / "temporary"),
    }
    return here


def wait_for(path: Path, text: str) -> None:
    for _ in range(1000):
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.02)
    pytest.fail(f"{path} never held {text!r}")


def edit_pyproject(checkout: Checkout) -> None:
    with (checkout.home / "pyproject.toml").open("a") as file:
        file.write("# changed\n")


# ---- set-up, once


def test_the_first_run_sets_up_in_two_lines_and_the_second_says_nothing(checkout: Checkout) -> None:
    first = checkout.run("ask", "what now?")
    assert (first.code, first.out) == (0, f"ran ask what now? in {checkout.home}\n")
    assert [line.split()[1] for line in first.err.splitlines()] == ["making", "installing"]
    assert checkout.run("again") == Ran(0, f"ran again in {checkout.home}\n", "")


def test_the_environment_that_python_itself_makes_serves_as_well(checkout: Checkout) -> None:
    ran = checkout.run("ask", WAGGLE_PYTHON=sys.executable)
    assert (ran.code, ran.out) == (0, f"ran ask in {checkout.home}\n")


def test_the_exit_code_is_the_command_s(checkout: Checkout) -> None:
    assert checkout.run("fail").code == 7


def test_it_works_from_elsewhere_and_through_a_symlink(checkout: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "link to it"
    link.symlink_to(checkout.home / "waggle")
    assert checkout.run("ask", cwd=tmp_path, via=link).out == f"ran ask in {tmp_path}\n"
    assert checkout.run("ask", cwd=Path("/")).err == ""


def test_a_later_run_starts_neither_pip_nor_a_second_python(checkout: Checkout) -> None:
    checkout.run()
    (checkout.home / ".venv/bin/waggle").write_text("#!/bin/sh\necho the command\n")
    for name in ("python3", "python", "pip", "uv"):
        checkout.program(name, "echo started >&2; exit 1")
    assert checkout.run("ask") == Ran(0, "the command\n", "")


def test_a_changed_pyproject_is_installed_again_into_the_same_environment(checkout: Checkout) -> None:
    checkout.run()
    edit_pyproject(checkout)
    again = checkout.run("ask")
    assert (again.code, again.err.count("\n")) == (0, 1)
    assert "installing" in again.err
    assert checkout.run("ask").err == ""


def test_a_moved_checkout_is_set_up_anew(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run()
    checkout.home = checkout.home.rename(tmp_path / "moved")
    moved = checkout.run("ask")
    assert moved.out == f"ran ask in {checkout.home}\n"
    assert "making .venv" in moved.err


def test_another_interpreter_asked_for_gets_another_environment(checkout: Checkout) -> None:
    checkout.run()
    assert "making .venv" in checkout.run(WAGGLE_PYTHON=sys.executable).err
    assert checkout.run(WAGGLE_PYTHON="").err == ""


def test_an_interpreter_that_went_away_gets_another_environment(checkout: Checkout) -> None:
    checkout.run()
    for python in (checkout.home / ".venv/bin").glob("python*"):
        python.unlink()
    assert "making .venv" in checkout.run("ask").err


def test_an_activated_environment_has_no_say(checkout: Checkout, tmp_path: Path) -> None:
    ran = checkout.run("ask", VIRTUAL_ENV=str(tmp_path / "other"), PYTHONHOME=str(tmp_path / "other"), PIP_USER="1")
    assert ran.code == 0
    assert (checkout.home / ".venv/bin/waggle").exists()


def test_an_environment_of_somebody_else_is_left_alone(checkout: Checkout) -> None:
    (checkout.home / ".venv").mkdir()
    (checkout.home / ".venv/pyvenv.cfg").write_text("theirs")
    assert "move it away" in checkout.run("ask").sentence
    assert (checkout.home / ".venv/pyvenv.cfg").read_text() == "theirs"


def test_uv_is_used_when_it_is_there(checkout: Checkout) -> None:
    checkout.program(
        "uv",
        f"""echo "$@" >>"{checkout.home}/uv-calls"
        if [ "$1" = venv ]; then for last; do :; done; exec "$WAGGLE_PYTHON" -m venv "$last"; fi
        exec .venv/bin/python -m pip install -e .""",
    )
    ran = checkout.run("ask")
    assert (ran.code, ran.out) == (0, f"ran ask in {checkout.home}\n")
    assert "with uv" in ran.err
    assert [line.split()[0] for line in (checkout.home / "uv-calls").read_text().splitlines()] == ["venv", "pip"]


def test_pip_steps_in_for_a_uv_that_fails(checkout: Checkout) -> None:
    checkout.program("uv", "exit 2")
    assert checkout.run("ask").out == f"ran ask in {checkout.home}\n"


# ---- interrupted, and twice at once


def test_a_launcher_killed_with_everything_it_started_is_repaired(checkout: Checkout, tmp_path: Path) -> None:
    process = checkout.start(BUILD_SECONDS="30")
    wait_for(checkout.home / ".venv/setup.log", "editable")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    again = checkout.run("ask")
    assert (again.code, again.out) == (0, f"ran ask in {checkout.home}\n")
    assert "making .venv" in again.err
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_pip_that_outlives_its_launcher_is_waited_for(checkout: Checkout) -> None:
    process = checkout.start(BUILD_SECONDS="2")
    wait_for(checkout.home / ".venv/setup.log", "editable")
    process.kill()
    again = checkout.run("ask")
    process.communicate()
    assert (again.code, again.out) == (0, f"ran ask in {checkout.home}\n")
    assert again.err.startswith("waggle: waiting for the set-up by process")
    assert "making .venv" in again.err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_says_so_and_is_repaired(checkout: Checkout, stop: signal.Signals) -> None:
    process = checkout.start(BUILD_SECONDS="30")
    wait_for(checkout.home / ".venv/setup.log", "editable")
    os.killpg(process.pid, stop)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err.endswith("waggle: set-up interrupted; the next run goes on with it.\n")
    assert not (checkout.home / ".venv/lock").is_symlink()
    assert checkout.run("ask").out == f"ran ask in {checkout.home}\n"


def test_an_interrupted_change_of_packages_costs_the_environment_nothing(checkout: Checkout) -> None:
    checkout.run()
    edit_pyproject(checkout)
    process = checkout.start(BUILD_SECONDS="30")
    wait_for(checkout.home / ".venv/setup.log", "editable")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=10)
    assert "making .venv" not in checkout.run("ask").err


def test_five_launchers_at_once_set_up_once(checkout: Checkout) -> None:
    processes = [checkout.start("ask", BUILD_SECONDS="1") for _ in range(5)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 5
    assert [out for out, _ in said] == [f"ran ask in {checkout.home}\n"] * 5
    assert sum(err.count("making .venv") for _, err in said) == 1
    assert sum(err.count("waiting for the set-up") for _, err in said) == 4


def test_a_lock_whose_owner_died_is_taken_over(checkout: Checkout) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (checkout.home / ".venv").mkdir()
    (checkout.home / ".venv/lock").symlink_to(str(dead.pid))
    processes = [checkout.start("ask") for _ in range(3)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 3
    assert sum(err.count("making .venv") for _, err in said) == 1


# ---- what goes wrong, and what to do about it


def test_no_python_at_all(checkout: Checkout) -> None:
    checkout.only_these_on_path(*SHELL_TOOLS)
    assert "there is no python3: apt-get install python3 python3-venv" in checkout.run(WAGGLE_PYTHON="").sentence


def test_a_python_too_old_is_named_with_its_version(checkout: Checkout) -> None:
    checkout.only_these_on_path(*SHELL_TOOLS)
    checkout.program("python3", "echo 3.9.2")
    said = checkout.run(WAGGLE_PYTHON="").sentence
    assert "Python 3.11 or newer is needed, and python3 is 3.9.2" in said
    assert "WAGGLE_PYTHON" in said


def test_a_newer_python_is_found_under_its_own_name(checkout: Checkout) -> None:
    checkout.only_these_on_path(*SHELL_TOOLS)
    checkout.program("python3", "echo 3.9.2")
    (checkout.programs / "python3.12").symlink_to(checkout.programs / "fast-python")
    ran = checkout.run("ask", WAGGLE_PYTHON="")
    assert ran.code == 0, ran
    assert "with python3.12" in ran.err


def test_a_python_that_does_not_run_is_named(checkout: Checkout) -> None:
    assert "WAGGLE_PYTHON=/nowhere/python does not run" in checkout.run(WAGGLE_PYTHON="/nowhere/python").sentence


def test_debian_s_missing_venv_package_is_named(checkout: Checkout) -> None:
    checkout.only_these_on_path(*SHELL_TOOLS)
    checkout.program("python3", 'case "$*" in *ensurepip*) exit 1 ;; *) echo 3.11.2 ;; esac')
    said = checkout.run(WAGGLE_PYTHON="").sentence
    assert said.startswith("waggle: python3 (3.11.2) has no venv: apt-get install python3-venv")


def test_no_network_is_recognised_and_pip_s_words_are_kept(checkout: Checkout) -> None:
    said = checkout.run(BUILD_NEEDS="msgspec").sentence
    assert "no package index was reached" in said
    assert "go online" in said
    assert "No matching distribution found for msgspec" in said
    assert "Could not find a version" in (checkout.home / ".venv/setup.log").read_text()
    again = checkout.run("ask")
    assert (again.code, again.out) == (0, f"ran ask in {checkout.home}\n")
    assert "making .venv" not in again.err


def test_a_refused_connection_is_no_network_too(checkout: Checkout) -> None:
    checkout.env |= {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_INDEX": "0"}
    assert "no package index was reached" in checkout.run(BUILD_NEEDS="msgspec").sentence


def test_without_a_network_a_changed_pyproject_runs_with_the_packages_from_before(checkout: Checkout) -> None:
    checkout.run()
    edit_pyproject(checkout)
    ran = checkout.run("ask", BUILD_NEEDS="msgspec")
    assert (ran.code, ran.out) == (0, f"ran ask in {checkout.home}\n")
    assert "Going on with the packages from before" in ran.err


def test_any_other_failure_shows_its_last_line_and_the_log(checkout: Checkout) -> None:
    said = checkout.run(BUILD_SAYS="the moon is full").sentence
    assert said.startswith("waggle: installing failed (")
    assert str(checkout.home / ".venv/setup.log") in said


def test_too_little_room_is_said_before_anything_is_made(checkout: Checkout) -> None:
    checkout.program("df", "echo Filesystem; echo /dev/a 9 9 307200 9 /")
    said = checkout.run("ask").sentence
    assert said.startswith("waggle: the disk is full: make 1000 MB free")
    assert not (checkout.home / ".venv/bin").exists()


def test_a_disk_that_fills_up_half_way_is_recognised(checkout: Checkout) -> None:
    said = checkout.run(BUILD_SAYS="[Errno 28] No space left on device").sentence
    assert said.startswith("waggle: the disk is full")
    assert checkout.run("ask").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full_is_recognised(checkout: Checkout, tmp_path: Path) -> None:
    small = tmp_path / "small disk"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", small], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        shutil.copytree(checkout.home, small / "checkout")
        checkout.home = small / "checkout"
        assert checkout.run("ask").sentence.startswith("waggle: the disk is full: make 1000 MB free")
        seen = tmp_path / "df was asked before"  # room at the start, as if another program took it meanwhile
        checkout.program("df", f'[ ! -e "{seen}" ] || exec /bin/df "$@"; : >"{seen}"; echo; echo dev 9 9 9999999 9 /')
        assert checkout.run("ask", WAGGLE_PYTHON=sys.executable).sentence.startswith("waggle: the disk is full")
        assert seen.exists()
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


def test_a_checkout_that_cannot_be_written_to_says_so(checkout: Checkout) -> None:
    if os.geteuid() != 0:
        checkout.home.chmod(0o555)
    else:  # root writes anywhere, but not onto a file
        (checkout.home / ".venv").touch()
    said = checkout.run("ask").sentence
    checkout.home.chmod(0o755)
    assert said.startswith(f"waggle: cannot write to {checkout.home}")


def test_a_launcher_without_its_checkout_says_so(checkout: Checkout) -> None:
    (checkout.home / "pyproject.toml").unlink()
    assert "has no pyproject.toml" in checkout.run("ask").sentence


# ---- ./waggle test

CHECKS = ("ruff", "mypy", "basedpyright", "pytest")


@pytest.fixture
def suite(checkout: Checkout) -> Checkout:
    """A checkout that is set up for its tests, with checks that only print how they were called."""
    first = checkout.run("test", "--", "--version")
    assert "installing" in first.err, first
    for name in CHECKS:
        tool = checkout.home / ".venv/bin" / name
        tool.write_text(f'#!/bin/sh\necho "{name} $*"; case "$BROKEN" in *{name}*) exit 1 ;; esac\n')
        tool.chmod(0o755)
    return checkout


def test_every_check_runs_in_order_and_the_summary_comes_last(suite: Checkout) -> None:
    ran = suite.run("test", BROKEN="")
    assert (ran.code, ran.err) == (0, "")
    said = [line for line in ran.out.splitlines() if line.startswith(CHECKS)]
    assert said == [
        "ruff format --check .",
        "ruff check .",
        "mypy ",
        "basedpyright ",
        "pytest -m not slow --hypothesis-profile=ci",
    ]
    assert ran.out.splitlines()[-1] == "waggle test: everything passed"


def test_a_failed_check_stops_none_of_the_others_and_decides_the_exit_code(suite: Checkout) -> None:
    ran = suite.run("test", BROKEN="ruff mypy")
    assert ran.code == 1
    assert "pytest -m not slow --hypothesis-profile=ci" in ran.out
    assert ran.out.splitlines()[-1] == "waggle test: failed: format lint mypy"


def test_what_was_set_up_for_the_tests_serves_every_command(suite: Checkout) -> None:
    assert suite.run("ask") == Ran(0, f"ran ask in {suite.home}\n", "")


def test_all_runs_the_slow_tests_too(suite: Checkout) -> None:
    suite.only_these_on_path(*SHELL_TOOLS, "date", "id")
    ran = suite.run("test", "--all", BROKEN="")
    assert "== pytest: pytest\n" in ran.out
    assert "bare-debian  skipped" in ran.out


def test_what_follows_two_dashes_goes_to_pytest_alone(suite: Checkout) -> None:
    assert suite.run("test", "--", "tests/core", "-k", "door", BROKEN="").out == "pytest tests/core -k door\n"


@pytest.mark.parametrize("args", [("-k", "door"), ("--al",), ("--all", "-x")])
def test_an_unknown_argument_is_refused_before_anything_is_set_up(checkout: Checkout, args: tuple[str, ...]) -> None:
    ran = checkout.run("test", *args)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert not (checkout.home / ".venv").exists()


# ---- the script itself


@pytest.mark.parametrize("shell", ["dash", "busybox", "bash", "shellcheck"])
def test_every_shell_reads_it(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    command = {"busybox": ["busybox", "sh", "-n"], "shellcheck": ["shellcheck"]}.get(shell, [shell, "-n"])
    for script in ("waggle", "tests/launcher_bare_debian.sh"):
        subprocess.run([*command, ROOT / script], check=True)
