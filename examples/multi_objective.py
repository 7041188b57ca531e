"""Two metrics that pull in opposite directions, and a third that must stay within a bound."""

import luthier


def model(trial):
    width = trial.suggest_int("width", 8, 512, log=True)
    depth = trial.suggest_int("depth", 1, 8)
    return {
        "accuracy": 1 - 1 / (width * depth) ** 0.5,
        "latency_ms": 0.02 * width + depth**1.5,
        "size_mb": width * width * depth / 1e5,
    }


study = luthier.create_study(
    metrics={"accuracy": "maximize", "latency_ms": "minimize"},
    constraints=["size_mb <= 2"],
    seed=0,
)
study.optimize(model, n_trials=80)

print(f"{len(study.best_trials)} of {len(study.trials)} trials are best: none is better in both")
for trial in sorted(study.best_trials, key=lambda t: t.metrics["latency_ms"]):
    accuracy, latency = trial.values
    print(f"  accuracy {accuracy:.3f}  latency {latency:5.2f} ms  {trial.params}")
