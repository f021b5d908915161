#!/bin/sh
# Build the page anew and compare it with the one that is kept in src/waggledance/studio/page: it must be the same, byte
# for byte. Needs Node 20 or newer, and `npm ci` before.
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npx tsc --noEmit
npx vite build --outDir "$fresh/page" --logLevel warn
if ! diff -r "$fresh/page" ../../src/waggledance/studio/page; then
  echo "the page in src/waggledance/studio/page is not what web/studio builds; run: npm run build" >&2
  exit 1
fi
echo "the page is what its sources build"
