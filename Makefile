# One tool for each job; every target builds the environment it needs by itself.
.PHONY: help demo test test-slow lint types imports docs bench fmt lock clean
.DEFAULT_GOAL := help
BIN := .venv/bin

help:           ## this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo:           ## tune three models on scikit-learn's data (Ctrl-C, then again: resumes)
	@tools/bootstrap.sh demo
	@$(BIN)/python examples/demo.py

test:           ## all tests but the slow ones
	@tools/bootstrap.sh dev
	@$(BIN)/pytest -n 2 -m "not slow"

test-slow:      ## the slow lane: statistics, kill and resume
	@tools/bootstrap.sh dev
	@$(BIN)/pytest -n 2 -m slow

lint:           ## style and formatting
	@tools/bootstrap.sh dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types:          ## mypy --strict, on the package and on its public face
	@tools/bootstrap.sh dev
	@$(BIN)/mypy --strict
	@$(BIN)/mypy --strict typing_tests

imports:        ## the layers of ARCHITECTURE.md
	@tools/bootstrap.sh dev
	@$(BIN)/lint-imports --no-logo

docs:           ## docs/_build/html/index.html
	@tools/bootstrap.sh dev
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

bench:          ## speed beside Optuna, in its own environment
	@tools/bootstrap.sh dev
	@tools/peers.sh
	@$(BIN)/python -m benchmarks

fmt:            ## format in place
	@tools/bootstrap.sh dev
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock:           ## resolve all dependencies anew into constraints.txt
	@tools/lock.sh

clean:          ## back to a bare clone
	rm -rf .venv .peers docs/_build build dist .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
