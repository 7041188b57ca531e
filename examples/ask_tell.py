"""Ask and tell: you run the trials, wherever and whenever you like.

Here three are asked for at once, as one would for three machines or three test tubes.
"""

import luthier
from luthier import Float

study = luthier.create_study(
    direction="maximize",
    space={"temperature": Float(20, 90), "ph": Float(3, 11)},
    strategy="sobol",
    seed=0,
)
study.enqueue_trial({"temperature": 37.0, "ph": 7.0})  # what we would have tried ourselves

for _ in range(10):
    batch = [study.ask() for _ in range(3)]
    for trial in batch:
        temperature, ph = trial.params["temperature"], trial.params["ph"]
        study.tell(trial, 100 - abs(temperature - 55) - 5 * abs(ph - 8))

best = study.best_trial
print(f"best yield {best.value:.1f} in trial {best.number} of {len(study.trials)}: {best.params}")
