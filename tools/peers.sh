#!/bin/sh
# Makes environments of their own for the libraries that benchmarks compare with.
#
#   tools/peers.sh [NAME ...]     .peers/NAME, from the versions in tools/peers/NAME.txt; by
#                                 default optuna, which `make bench` needs
#   tools/peers.sh --lock NAME    writes that file anew, from the environment as it is
#
# Locks hold everything and are installed without looking at what packages ask for, since some ask
# for versions that no longer install. The peers share NumPy and SciPy with us where they can.
set -eu
cd "$(dirname "$0")/.."

say() { echo "peers: $*" >&2; }

lock() {
    .peers/"$1"/bin/python -m pip -q freeze --exclude pip > ".peers/$1.txt"
    {
        echo "# Every version of .peers/$1, for Python 3.11. Written by tools/peers.sh --lock."
        sed 's/+cpu$//' ".peers/$1.txt"
    } > "tools/peers/$1.txt"
    rm ".peers/$1.txt"
    if grep -n -e '://' -e ' @ ' "tools/peers/$1.txt" >&2; then
        say "the lines above name a place instead of a version; correct them by hand."
        exit 1
    fi
}

install() {
    versions=tools/peers/$1.txt
    if [ ! -e "$versions" ]; then
        say "there is no $versions; known are: $(basename -s .txt tools/peers/*.txt | xargs)"
        exit 2
    fi
    stamp=.peers/$1/.lock-$(cksum < "$versions" | cut -d ' ' -f 1)
    [ -e "$stamp" ] && return
    say "installing $versions into .peers/$1 (once)"
    mkdir -p .peers
    [ -x ".peers/$1/bin/python" ] || .venv/bin/python -m venv ".peers/$1"
    .peers/"$1"/bin/python -m pip -qq install --no-deps -r "$versions"
    rm -f .peers/"$1"/.lock-*
    touch "$stamp"
}

if [ "${1:-}" = --lock ]; then
    lock "${2:?which environment?}"
    exit
fi
for name in "${@:-optuna}"; do
    install "$name"
done
