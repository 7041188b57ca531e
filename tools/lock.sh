#!/bin/sh
# Writes constraints.txt anew: resolves every extra in a clean environment and pins the result.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip -qq install --upgrade pip
"$work/venv/bin/python" -m pip -qq install ".[dev,bench]"
{
    echo "# Every version that CI runs, for Python 3.11. Written by \`make lock\`; do not edit."
    "$work/venv/bin/python" -m pip freeze --exclude luthier --exclude pip --exclude setuptools |
        sed "s/+cpu$//"
} > "$work/constraints.txt"
if grep -n -e '://' -e ' @ ' "$work/constraints.txt" >&2; then
    echo "lock: the lines above name a place instead of a version; nothing was written." >&2
    exit 1
fi
mv "$work/constraints.txt" constraints.txt
