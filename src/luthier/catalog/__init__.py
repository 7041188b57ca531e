"""Ready-made spaces: what to search, for the models that most people tune.

Single parameters of neural networks (``learning_rate``, ...), whole spaces by model
(``random_forest``, ...), and ``for_estimator``, which finds the one that fits. Ranges and scales
are those of the sources that each docstring names; what has no source is said to be ours.

Three rules hold in all of them. Every name is a parameter of the estimator, so a configuration can
be passed on as it is. A default is the library's own; where that lies outside of a range, it is the
value of the range that is nearest. A word such as ``"sqrt"`` or ``"scale"`` stands in a list of
values, at the place where it usually belongs.

Nothing here imports a machine-learning library.
"""

from luthier.catalog.boosting import (
    catboost,
    gradient_boosting,
    hist_gradient_boosting,
    lightgbm,
    xgboost,
)
from luthier.catalog.estimators import for_estimator, known
from luthier.catalog.forests import extra_trees, random_forest
from luthier.catalog.gaussian import gaussian_nb, linear_discriminant_analysis
from luthier.catalog.linear import (
    elastic_net,
    lasso,
    linear_svc,
    linear_svr,
    logistic_regression,
    ridge,
    sgd,
)
from luthier.catalog.neighbours import nearest_neighbours
from luthier.catalog.networks import (
    batch_size,
    dropout,
    hidden_units,
    learning_rate,
    mlp,
    weight_decay,
)
from luthier.catalog.svm import svc, svr

__all__ = [
    "batch_size",
    "catboost",
    "dropout",
    "elastic_net",
    "extra_trees",
    "for_estimator",
    "gaussian_nb",
    "gradient_boosting",
    "hidden_units",
    "hist_gradient_boosting",
    "known",
    "lasso",
    "learning_rate",
    "lightgbm",
    "linear_discriminant_analysis",
    "linear_svc",
    "linear_svr",
    "logistic_regression",
    "mlp",
    "nearest_neighbours",
    "random_forest",
    "ridge",
    "sgd",
    "svc",
    "svr",
    "weight_decay",
    "xgboost",
]
