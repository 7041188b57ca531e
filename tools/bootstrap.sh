#!/bin/sh
# Makes .venv hold what a make target needs, starting from Python 3.11 and nothing else.
#
#   tools/bootstrap.sh demo   Luthier and what the demo needs
#   tools/bootstrap.sh dev    all of that, and what tests, checks and documents need
#   tools/bootstrap.sh bench  all of that, and the problems that samplers are compared on
#
# Versions come from constraints.txt. A stamp, named after a checksum of everything that
# decides the environment, makes the next call instant.
set -eu
cd "$(dirname "$0")/.."

profile=${1:-dev}
case $profile in
    demo) extras=sklearn ;;
    dev) extras=dev ;;
    bench) extras=dev,bench ;;
    *) echo "bootstrap: the profile must be demo, dev or bench, got '$profile'." >&2; exit 2 ;;
esac

sum=$(cat pyproject.toml constraints.txt tools/bootstrap.sh | cksum | cut -d ' ' -f 1)
stamp=.venv/.luthier-$profile-$sum
larger=bench
[ "$profile" = demo ] && larger="dev bench"
for held in "$profile" $larger; do
    [ -e ".venv/.luthier-$held-$sum" ] && exit 0
done

say() { echo "bootstrap: $*" >&2; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 && recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

can_install() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

debian_install() {
    say "installing $* from Debian"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

python=$(find_python)
if [ -z "$python" ] && can_install; then
    debian_install python3 python3-venv
    python=$(find_python)
fi
if [ -z "$python" ]; then
    say "Python 3.11 or newer is needed and was not found. Install it (on Debian and Ubuntu:"
    say "apt-get install python3 python3-venv), or name one: PYTHON=/path/to/python make ..."
    exit 1
fi
has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }
if ! has_venv && can_install; then
    debian_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" ||
        say "that failed"
fi
if ! has_venv; then
    say "$python has no complete venv module. Install it (on Debian and Ubuntu, as root:"
    say "apt-get install python3-venv), then run make again."
    exit 1
fi

if ! recent .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
if [ "$profile" != demo ] && ! command -v chromium >/dev/null 2>&1; then
    if can_install; then
        debian_install chromium || say "that failed: tests of the dashboard will be skipped"
    else
        say "no chromium: tests of the dashboard will be skipped (on Debian: apt-get install chromium)"
    fi
fi
pip() { .venv/bin/python -m pip -qq --disable-pip-version-check "$@"; }
say "installing luthier[$extras] into .venv (once; a minute or two)"
pip install --constraint constraints.txt hatchling editables
pip install --constraint constraints.txt --no-build-isolation --editable ".[$extras]"
rm -f .venv/.luthier-"$profile"-*
touch "$stamp"
