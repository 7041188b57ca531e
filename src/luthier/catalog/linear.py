"""Linear models: regressions with penalties, by gradients too, and linear vector machines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from luthier.catalog.tasks import Task, check_task
from luthier.space import Categorical, Constant, Float, Param, Space

__all__ = [
    "elastic_net",
    "lasso",
    "linear_svc",
    "linear_svr",
    "logistic_regression",
    "ridge",
    "sgd",
]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def logistic_regression(own: Mapping[str, Any] = _NOTHING) -> Space:
    """``LogisticRegression``: strength and kind of the penalty, in combinations that exist.

    The default solver, lbfgs, knows the L2 penalty only; saga any mixture, from L2
    (``l1_ratio=0``) to L1 (1). The other solvers find what these two find, or only work for two
    classes. The range of ``C`` is that of scikit-learn's own ``LogisticRegressionCV``.

    Args:
        own: The parameters of the estimator. Before scikit-learn 1.8 it has a ``penalty`` that
            must be "elasticnet" for mixtures; and one with an ``l1_ratio`` of its own needs saga.

    References:
        https://scikit-learn.org/stable/modules/linear_model.html#solvers. Zou, Hastie,
        Regularization and variable selection via the elastic net (2005).

    Example:
        >>> logistic_regression().active({"solver": "lbfgs"})
        ('C', 'solver')
    """
    mixed = None if own.get("l1_ratio") else {"solver": "saga"}
    old = own.get("penalty", "deprecated") != "deprecated"
    penalty = {"penalty": Constant("elasticnet", when=mixed)}
    return Space(
        {
            "C": Float(1e-4, 1e4, log=True, default=1.0),
            "solver": Categorical(["lbfgs", "saga"], default="lbfgs")
            if mixed
            else Constant("saga"),
            **(penalty if old else {}),
            "l1_ratio": Float(0.0, 1.0, default=0.0, when=mixed),
        }
    )


def linear_svc() -> Space:
    """``LinearSVC``: ``C``, penalty and loss, without L1 beside the hinge, which there isn't.

    ``C`` is that of Probst et al. (2019, table 1), the rest auto-sklearn's.

    References:
        Fan et al., LIBLINEAR, Journal of Machine Learning Research 9 (2008). Probst, Boulesteix,
        Bischl, Tunability, arXiv:1802.09596.

    Example:
        >>> linear_svc().allows({"C": 1.0, "penalty": "l1", "loss": "hinge"})
        False
    """
    space = Space(
        _strength(),
        penalty=Categorical(["l2", "l1"], default="l2"),
        loss=Categorical(["squared_hinge", "hinge"], default="squared_hinge"),
    )
    return space.forbid({"penalty": "l1", "loss": "hinge"})


def linear_svr() -> Space:
    """``LinearSVR``: ``C``, loss and the width of the tube, in units of the target.

    ``epsilon`` is auto-sklearn's; scikit-learn's default, 0, is below it.

    References:
        Those of ``linear_svc``.

    Example:
        >>> linear_svr().default()["epsilon"]
        0.001
    """
    losses = ["epsilon_insensitive", "squared_epsilon_insensitive"]
    return Space(
        _strength(),
        loss=Categorical(losses, default=losses[0]),
        epsilon=Float(1e-3, 1.0, log=True, default=1e-3),
    )


def ridge() -> Space:
    """``Ridge`` and ``RidgeClassifier``: the strength of the penalty.

    It is set against a sum over samples, so its scale grows with their number: the range is the
    wide one of scikit-learn's guide to ``RidgeCV``. Scale the data first.

    References:
        Hoerl, Kennard, Ridge regression (1970).
        https://scikit-learn.org/stable/modules/linear_model.html#ridge-regression

    Example:
        >>> ridge()["alpha"]
        Float(1e-06, 1000000.0, scale='log', default=1.0)
    """
    return Space(alpha=Float(1e-6, 1e6, log=True, default=1.0))


def lasso() -> Space:
    """``Lasso``: the strength of the penalty, for targets of unit variance.

    With scaled data and targets all coefficients are zero from 1 on, and glmnet's path ends at a
    thousandth of where that begins; the range is a power of ten wider at both ends (ours).

    References:
        Tibshirani, Regression shrinkage and selection via the lasso (1996). Friedman, Hastie,
        Tibshirani, Regularization paths for generalized linear models via coordinate descent
        (2010), section 2.5.

    Example:
        >>> lasso()["alpha"]
        Float(0.0001, 10.0, scale='log', default=1.0)
    """
    return Space(alpha=Float(1e-4, 10.0, log=True, default=1.0))


def elastic_net() -> Space:
    """``ElasticNet``: as ``lasso``, and the share of the L1 penalty.

    From a tenth, as scikit-learn's ``ElasticNetCV`` suggests: with less the descent is unreliable.

    References:
        Zou, Hastie, Regularization and variable selection via the elastic net (2005); those of
        ``lasso``.

    Example:
        >>> elastic_net().default()
        {'alpha': 1.0, 'l1_ratio': 0.5}
    """
    return Space(lasso(), l1_ratio=Float(0.1, 1.0, default=0.5))


def sgd(task: Task = "classification") -> Space:
    """``SGDClassifier`` and ``SGDRegressor``: loss, penalty and, of the latter, the step size.

    ``alpha`` and the choices are auto-sklearn's, without losses that hardly differ; ``epsilon`` is
    that of ``linear_svr``, the first steps of the regressor are between 1e-4 and 0.1: with larger
    ones it diverges. The classifier derives its own from ``alpha`` (``"optimal"``). Scale the data
    first, and targets.

    Args:
        task: "classification" or "regression".

    Raises:
        ArgumentError: The task is neither.

    References:
        Bottou, Stochastic gradient descent tricks (2012). Feurer et al., Auto-sklearn 2.0,
        arXiv:2007.04074.

    Example:
        >>> sgd().active({"penalty": "l2"})
        ('loss', 'penalty', 'alpha', 'average')
    """
    check_task(task)
    classes = task == "classification"
    robust = ["huber", "epsilon_insensitive"]
    losses = ["hinge", "log_loss", "modified_huber"] if classes else ["squared_error", *robust]
    steps: dict[str, Param] = {
        "epsilon": Float(1e-3, 1.0, log=True, default=0.1, when={"loss": robust}),
        "learning_rate": Categorical(["invscaling", "constant", "adaptive"], default="invscaling"),
        "eta0": Float(1e-4, 0.1, log=True, default=0.01),
    }
    return Space(
        {
            "loss": Categorical(losses, default=losses[0]),
            "penalty": Categorical(["l2", "l1", "elasticnet"], default="l2"),
            "alpha": Float(1e-7, 1e-1, log=True, default=1e-4),
            "l1_ratio": Float(0.0, 1.0, default=0.15, when={"penalty": "elasticnet"}),
            **({} if classes else steps),
            "average": Categorical([False, True], default=False),
        }
    )


def _strength() -> dict[str, Param]:
    return {"C": Float(2**-10, 2.0**10, log=True, default=1.0)}
