#!/bin/sh
# Makes .peers/optuna, an environment of its own for the library that benchmarks compare with.
# Its NumPy and SciPy are ours (constraints.txt), so that only the libraries differ.
set -eu
cd "$(dirname "$0")/.."

wanted=optuna==5.0.0
stamp=.peers/optuna/.$wanted-$(cksum < constraints.txt | cut -d ' ' -f 1)
[ -e "$stamp" ] && exit 0
echo "peers: installing $wanted into .peers/optuna (once)" >&2
.venv/bin/python -m venv --clear .peers/optuna
.peers/optuna/bin/python -m pip -qq install --constraint constraints.txt "$wanted" scipy
touch "$stamp"
