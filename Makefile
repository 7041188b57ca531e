# One tool for each job; every target builds the environment it needs by itself.
.PHONY: help demo test test-slow lint types imports docs bench bench-asks bench-behaviour \
	bench-trials bench-peers bench-dashboard bench-evolution bench-executors bench-fidelity bench-folds \
	bench-fronts bench-gradient bench-importance bench-throughput bench-report bench-reports bench-searches bench-selection \
	bench-storages bench-scaling chaos fmt lock clean
.DEFAULT_GOAL := help
BIN := .venv/bin

help:           ## this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo:           ## tune three models on scikit-learn's data (Ctrl-C, then again: resumes)
	@tools/bootstrap.sh demo
	@$(BIN)/python examples/demo.py

test:           ## all tests but the slow ones
	@tools/bootstrap.sh dev
	@$(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

test-slow:      ## the slow lane: statistics, kill and resume; properties on new examples
	@tools/bootstrap.sh dev
	@$(BIN)/pytest -n 2 --dist loadgroup -m slow --timeout 1800
	@$(BIN)/pytest -n 2 --dist loadgroup -m "hypothesis and not slow" --hypothesis-profile explore \
		--timeout 1800

chaos:          ## MINUTES=10 of killed drivers, lost connections, hung trials; nothing may be lost
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.chaos $(or $(MINUTES),10)

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

bench-asks:     ## what a proposal costs, beside Optuna, Rustuna and SMAC3
	@tools/bootstrap.sh dev
	@tools/peers.sh optuna rustuna smac
	@$(BIN)/python -m benchmarks.asks

bench-storages: ## several processes on SQLite and PostgreSQL, beside Optuna
	@tools/bootstrap.sh dev
	@tools/peers.sh optuna
	@$(BIN)/python -m benchmarks.storages

bench-scaling:  ## a thousand simulated workers
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.scaling

bench-throughput: ## what a report and its decision cost, beside Optuna; simulated workers
	@tools/bootstrap.sh dev
	@tools/peers.sh optuna lcdb
	@$(BIN)/python -m benchmarks.fidelity.throughput

bench-executors: ## trials in processes, beside a bare pool and one by one; on Dask and Ray
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.executors
	@$(BIN)/python -m benchmarks.clusters

bench-behaviour: ## crashes, small and conditional spaces, parallel slots, memory
	@tools/bootstrap.sh bench
	@tools/peers.sh optuna
	@$(BIN)/python -m benchmarks.behaviour

bench-trials:   ## run our samplers on the whole suite, and peers where a recording is missing; hours
	@tools/bootstrap.sh bench
	@tools/peers.sh optuna nevergrad hyperopt
	@$(BIN)/python -m benchmarks.efficiency run --jobs 2 --seeds 15 --budget 200 optuna:random \
	    optuna:tpe optuna:tpe-group optuna:cmaes nevergrad:NGOpt hyperopt:tpe \
	    luthier:auto luthier:gp luthier:tpe luthier:forest
	@$(BIN)/python -m benchmarks.efficiency scales

bench-peers:    ## run again what slow peers ran, those that are installed: .peers/cache/slow; hours, resumes
	@tools/bootstrap.sh bench
	@$(BIN)/python -m benchmarks.efficiency slow optuna:gp
	@$(BIN)/python -m benchmarks.efficiency slow smac:hpo
	@$(BIN)/python -m benchmarks.efficiency slow smac:blackbox
	@$(BIN)/python -m benchmarks.efficiency slow ax:default
	@$(BIN)/python -m benchmarks.efficiency slow hebo:default
	@$(BIN)/python -m benchmarks.efficiency slow skopt:GP
	@$(BIN)/python -m benchmarks.efficiency slow bayesopt:default

bench-evolution: ## evolution beside DEAP, SciPy, Nevergrad, pymoo, cmaes, cma; hours, resumes
	@tools/bootstrap.sh bench
	@tools/peers.sh evolution optuna nevergrad
	@PYTHONPATH=src .peers/evolution/bin/python -m benchmarks.evolution.nsga
	@PYTHONPATH=src .peers/evolution/bin/python -m benchmarks.evolution.genetic ga
	@PYTHONPATH=src .peers/evolution/bin/python -m benchmarks.evolution.genetic de
	@PYTHONPATH=src .peers/evolution/bin/python -m benchmarks.evolution.pareto
	@PYTHONPATH=src .peers/evolution/bin/python -m benchmarks.evolution.nsga_throughput luthier 100000
	@.peers/optuna/bin/python -m benchmarks.evolution.nsga_throughput optuna 2000
	@$(BIN)/python -m benchmarks.evolution.spsa
	@$(BIN)/python -m benchmarks.evolution.cma_speed
	@$(BIN)/python -m benchmarks.evolution.cma_bbob
	@$(BIN)/python -m benchmarks.evolution.cma_bbob --dimension 20

bench-dashboard: ## opening 10,000 and 100,000 trials; MINUTES=10 of twenty clients
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.dashboard $(or $(MINUTES),10)

bench-folds:    ## what racing over folds saves and loses
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.folds

bench-fidelity: ## BOHB beside Optuna's, learning curves on LCDB, populations on MNIST
	@tools/bootstrap.sh dev
	@tools/peers.sh optuna lcdb torch
	@$(BIN)/python -m benchmarks.fidelity.tables
	@$(BIN)/python -m benchmarks.fidelity.estimators
	@$(BIN)/python -m benchmarks.fidelity.lcdb selection
	@$(BIN)/python -m benchmarks.fidelity.lcdb extrapolation
	@$(BIN)/python -m benchmarks.spending
	@PYTHONPATH=src .peers/torch/bin/python -m benchmarks.fidelity.pbt_mnist

bench-gradient: ## penalties and weights by the thousand, wrong labels, wrong learning rates
	@tools/bootstrap.sh dev
	@tools/peers.sh torch
	@$(BIN)/python -m benchmarks.gradient
	@.peers/torch/bin/python -m benchmarks.gradient

bench-importance: ## what mattered, beside Optuna: agreement and seconds; docs/benchmarks/importance.md
	@tools/bootstrap.sh dev
	@tools/peers.sh optuna
	@$(BIN)/python -m benchmarks.importance

bench-fronts:   ## fronts of several objectives beside Optuna: docs/benchmarks/fronts.md; hours if not recorded
	@tools/bootstrap.sh bench
	@tools/peers.sh optuna
	@$(BIN)/python -m benchmarks.fronts record optuna:tpe luthier:gp luthier:tpe
	@$(BIN)/python -m benchmarks.fronts record optuna:gp --slow
	@$(BIN)/python -m benchmarks.fronts report --publish

bench-selection: ## is the winner better than the defaults, and its score true: docs/honest-selection.md
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.selection --keep

bench-searches: ## SearchCV beside scikit-learn's, Optuna's and scikit-optimize's; its overhead
	@tools/bootstrap.sh dev
	@tools/peers.sh searches
	@PYTHONPATH=src .peers/searches/bin/python -m benchmarks.searches.overhead
	@PYTHONPATH=src .peers/searches/bin/python -m benchmarks.searches record
	@PYTHONPATH=src .peers/searches/bin/python -m benchmarks.searches ours
	@PYTHONPATH=src .peers/searches/bin/python -m benchmarks.searches report --publish

bench-report:   ## who needs the fewest trials: docs/benchmarks, from recorded trajectories
	@tools/bootstrap.sh bench
	@$(BIN)/python -m benchmarks.efficiency publish

bench-reports:  ## what a report of 1,000 trials of ten parameters costs
	@tools/bootstrap.sh dev
	@$(BIN)/python -m benchmarks.report

fmt:            ## format in place
	@tools/bootstrap.sh dev
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock:           ## resolve all dependencies anew into constraints.txt
	@tools/lock.sh

clean:          ## back to a bare clone
	rm -rf .venv .peers docs/_build build dist .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
