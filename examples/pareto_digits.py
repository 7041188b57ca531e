"""Accuracy, speed and size of a random forest: what is worth having, and what to deploy.

    python examples/pareto_digits.py

Takes a minute or two. The study is kept in ``luthier-pareto.db``: stop it with Ctrl-C whenever you
like and run it again. The front is drawn into ``luthier-pareto.html``, a page of its own.
"""

import pickle
import sys
from statistics import median
from time import perf_counter

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

import luthier
from luthier import Float, Int

STORAGE, PICTURE = "luthier-pareto.db", "luthier-pareto.html"
X, Y = load_digits(return_X_y=True)
FOREST = {
    "n_estimators": Int(1, 200, log=True),
    "max_depth": Int(3, 20),
    "min_samples_leaf": Int(1, 20, log=True),
    "max_features": Float(0.02, 0.5, log=True),
}


def measure(trial):
    forest = RandomForestClassifier(**trial.params, random_state=0)
    accuracy = cross_val_score(forest, X, Y, cv=3).mean()
    forest.fit(X, Y)
    return {
        "accuracy": accuracy,
        "ms": milliseconds(lambda: forest.predict(X[:100])),
        "mb": len(pickle.dumps(forest)) / 1e6,
    }


def milliseconds(work, repeats=15):
    """The least of several runs: whatever else the machine does can only add to it."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(1000 * (perf_counter() - start))
    return min(times)


def search(n_trials, forest):
    study = luthier.create_study(
        study_name="pareto-digits",
        storage=STORAGE,
        space=forest,
        metrics={"accuracy": "maximize", "ms": "minimize", "mb": "minimize"},
        constraints=["accuracy >= 0.8"],  # or the front would end in forests that only guess
        seed=0,
        load_if_exists=True,
    )
    study.optimize(measure, total_trials=n_trials, show_progress_bar=True)
    return study


def choices(study):
    """Three ways to choose one trial of the front, by what is to be said of it."""
    limit = median(trial.metrics["ms"] for trial in study.best_trials)
    return {
        "the most accurate": max(study.best_trials, key=lambda trial: trial.metrics["accuracy"]),
        "the knee": study.knee(),
        f"the most accurate within {limit:.1f} ms": study.best_under(
            {"ms": limit}, objective="accuracy"
        ),
    }


def show(study, chosen):
    front = sorted(study.best_trials, key=lambda trial: -trial.metrics["accuracy"])
    print(f"\n{len(front)} of {len(study.trials)} trials are on the Pareto front:\n")
    print(f"{'trial':>5}{'accuracy':>10}{'ms':>8}{'MB':>8}{'trees':>7}{'depth':>7}{'leaf':>6}")
    for trial in front:
        accuracy, ms, mb = trial.values
        trees, depth, leaf = (trial.params[n] for n in list(FOREST)[:3])
        row = f"{trial.number:>5}{accuracy:>10.4f}{ms:>8.2f}{mb:>8.3f}{trees:>7}{depth:>7}{leaf:>6}"
        names = ", ".join(name for name, t in chosen.items() if t.number == trial.number)
        print(f"{row}  {names}".rstrip())


def draw(study):
    study.plot.pareto().save(PICTURE)
    print(f"\nThe front is drawn in {PICTURE}: open it in a browser.")


def main(*, small=False):
    forest = FOREST | {"n_estimators": Int(2, 10)} if small else FOREST
    try:
        study = search(8 if small else 80, forest)
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: run it again to go on.", file=sys.stderr)
        sys.exit(130)
    chosen = choices(study)
    show(study, chosen)
    draw(study)
    print(f"\nThe same from the command line: luthier best --knee --storage {STORAGE}")


if __name__ == "__main__":
    main(small="--small" in sys.argv)
