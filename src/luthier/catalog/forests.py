"""Forests: random forests and extremely randomised trees, for classes and for numbers."""

from __future__ import annotations

from luthier.catalog.tasks import Task, check_task
from luthier.space import Categorical, Float, Int, Ordinal, Param, Space

__all__ = ["extra_trees", "random_forest"]

_SHARES = ("log2", "sqrt", 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Features tried at a split, fewest first where there are at least 25."""


def random_forest(task: Task = "classification") -> Space:
    """``RandomForestClassifier`` and ``RandomForestRegressor``.

    ``min_samples_leaf`` and ``max_features`` matter most (van Rijn and Hutter 2018, whose ranges
    these are); where trees are grown from samples, the size of these does too (Probst et al. 2019;
    from a fifth, since scikit-learn warns of very small ones). The number of trees isn't searched:
    more are never worse but in time (Probst and Boulesteix 2018), so give the estimator as many
    as you can wait for.

    Args:
        task: "classification" or "regression".

    Raises:
        ArgumentError: The task is neither.

    References:
        van Rijn, Hutter, Hyperparameter importance across datasets, arXiv:1710.04725. Probst,
        Boulesteix, Bischl, Tunability, arXiv:1802.09596. Probst, Boulesteix, To tune or not to
        tune the number of trees in random forest, arXiv:1705.05654.

    Example:
        >>> random_forest().active({"bootstrap": False})[-2:]
        ('min_samples_split', 'bootstrap')
    """
    size = Float(0.2, 1.0, when={"bootstrap": True}, default=1.0)
    return Space(_trees(task), bootstrap=_bootstrap(True), max_samples=size)


def extra_trees(task: Task = "classification") -> Space:
    """``ExtraTreesClassifier`` and ``ExtraTreesRegressor``: as ``random_forest``.

    They grow trees from all samples unless told otherwise. The ranges are auto-sklearn's
    (``extra_trees.py``).

    Args:
        task: "classification" or "regression".

    Raises:
        ArgumentError: The task is neither.

    References:
        Geurts, Ernst, Wehenkel, Extremely randomized trees, Machine Learning 63 (2006). Feurer et
        al., Auto-sklearn 2.0, arXiv:2007.04074.

    Example:
        >>> extra_trees("regression").default()["max_features"]
        1.0
    """
    return Space(_trees(task), bootstrap=_bootstrap(False))


def _trees(task: Task) -> dict[str, Param]:
    check_task(task)
    classes = task == "classification"
    measure = {"criterion": Categorical(["gini", "entropy"], default="gini")}
    return {
        **(measure if classes else {}),
        "max_features": Ordinal(_SHARES, default="sqrt" if classes else 1.0),
        "min_samples_leaf": Int(1, 20, log=True, default=1),
        "min_samples_split": Int(2, 20, log=True, default=2),
    }


def _bootstrap(default: bool) -> Categorical:
    return Categorical([True, False], default=default)
