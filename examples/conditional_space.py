"""A declared space: parameters that exist only for some values of others, and constraints.

``trial.params`` holds just the parameters that are active in this trial.
"""

import luthier
from luthier import AtLeast, Categorical, Float, Int, Space

space = (
    Space(
        optimizer=Categorical(["sgd", "adam"]),
        lr=Float(1e-4, 1e-1, log=True),
        momentum=Float(0, 0.99, when={"optimizer": "sgd"}),
        layers=Int(1, 3),
        units_1=Int(16, 256, log=True),
        units_2=Int(16, 256, log=True, when={"layers": AtLeast(2)}),
        units_3=Int(16, 256, log=True, when={"layers": AtLeast(3)}),
    )
    .forbid({"optimizer": "adam", "lr": AtLeast(0.05)})  # known to diverge
    .require("units_1 >= units_2")
)


def loss(trial):
    params = trial.params
    units = sum(params.get(f"units_{i}", 0) for i in (1, 2, 3))
    return abs(params["lr"] - 0.01) + abs(units - 200) / 1000 + 0.1 * params.get("momentum", 0.5)


study = luthier.create_study(space=space, seed=0)
study.optimize(loss, n_trials=60)

print(f"best value {study.best_value:.4f} with {study.best_params}")
