"""Boosted trees: scikit-learn's two, LightGBM, XGBoost and CatBoost, for classes and numbers.

In all of them the number of trees and the learning rate belong together: a lower rate needs more
trees. How many trees are searched is bounded by what people wait for, which is our choice.
"""

from __future__ import annotations

from luthier.space import Constant, Float, Int, Space

__all__ = ["catboost", "gradient_boosting", "hist_gradient_boosting", "lightgbm", "xgboost"]


def gradient_boosting() -> Space:
    """``GradientBoostingClassifier`` and ``GradientBoostingRegressor``.

    The ranges are those that auto-sklearn searched while it had this model (Feurer et al. 2015).
    All features, ``max_features=1.0``, are scikit-learn's default, which it writes as None.

    References:
        Feurer et al., Efficient and robust automated machine learning, NeurIPS 2015. Friedman,
        Stochastic gradient boosting (2002), for samples of half the data or so.

    Example:
        >>> gradient_boosting()["learning_rate"]
        Float(0.01, 1.0, scale='log', default=0.1)
    """
    return Space(
        learning_rate=Float(0.01, 1.0, log=True, default=0.1),
        n_estimators=Int(50, 500, log=True, default=100),
        max_depth=Int(1, 10, default=3),
        min_samples_leaf=Int(1, 20, log=True, default=1),
        subsample=Float(0.1, 1.0, default=1.0),
        max_features=Float(0.1, 1.0, default=1.0),
    )


def hist_gradient_boosting() -> Space:
    """``HistGradientBoostingClassifier`` and ``HistGradientBoostingRegressor``.

    Learning rate, leaves and regularisation as in auto-sklearn 0.15 (``gradient_boosting.py``);
    the number of rounds, up to its 512, and the share of features are ours.

    References:
        Feurer et al., Auto-sklearn 2.0, arXiv:2007.04074.

    Example:
        >>> hist_gradient_boosting()["max_leaf_nodes"]
        Int(3, 2047, scale='log', default=31)
    """
    return Space(
        learning_rate=Float(0.01, 1.0, log=True, default=0.1),
        max_iter=Int(32, 512, log=True, default=100),
        max_leaf_nodes=Int(3, 2047, log=True, default=31),
        min_samples_leaf=Int(1, 200, log=True, default=20),
        l2_regularization=Float(1e-10, 1.0, log=True, default=1e-10),
        max_features=Float(0.1, 1.0, default=1.0),
    )


def lightgbm() -> Space:
    """``LGBMClassifier`` and ``LGBMRegressor``.

    LightGBM's page on tuning names ``num_leaves`` and ``min_child_samples`` as what bounds a tree,
    then the learning rate with the number of rounds, samples, features and both penalties. Their
    ranges are those of Optuna's ``LightGBMTuner``; that of the learning rate is FLAML's.
    ``subsample_freq`` is 1, since without it samples aren't drawn at all.

    References:
        https://lightgbm.readthedocs.io/en/stable/Parameters-Tuning.html. Ke et al., LightGBM,
        NeurIPS 2017. Wang et al., FLAML, arXiv:1911.04706.

    Example:
        >>> lightgbm()["num_leaves"]
        Int(2, 256, scale='log', default=31)
    """
    return Space(
        learning_rate=Float(2**-10, 1.0, log=True, default=0.1),
        n_estimators=Int(50, 1000, log=True, default=100),
        num_leaves=Int(2, 256, log=True, default=31),
        min_child_samples=Int(5, 100, log=True, default=20),
        subsample=Float(0.4, 1.0, default=1.0),
        subsample_freq=Constant(1),
        colsample_bytree=Float(0.4, 1.0, default=1.0),
        reg_alpha=Float(1e-8, 10.0, log=True, default=1e-8),
        reg_lambda=Float(1e-8, 10.0, log=True, default=1e-8),
    )


def xgboost() -> Space:
    """``XGBClassifier`` and ``XGBRegressor``.

    The parameters and ranges of Probst et al. (2019, table 1), whose most tunable one is the
    learning rate, without the linear booster; fewer trees, and no fraction below a tenth.

    References:
        Probst, Boulesteix, Bischl, Tunability, arXiv:1802.09596.
        https://xgboost.readthedocs.io/en/stable/tutorials/param_tuning.html.

    Example:
        >>> xgboost()["max_depth"]
        Int(1, 15, default=6)
    """
    return Space(
        learning_rate=Float(2**-10, 1.0, log=True, default=0.3),
        n_estimators=Int(50, 1000, log=True, default=100),
        max_depth=Int(1, 15, default=6),
        min_child_weight=Float(1.0, 2.0**7, log=True, default=1.0),
        subsample=Float(0.1, 1.0, default=1.0),
        colsample_bytree=Float(0.1, 1.0, default=1.0),
        colsample_bylevel=Float(0.1, 1.0, default=1.0),
        reg_alpha=Float(2**-10, 2.0**10, log=True, default=2**-10),
        reg_lambda=Float(2**-10, 2.0**10, log=True, default=1.0),
    )


def catboost() -> Space:
    """``CatBoostClassifier`` and ``CatBoostRegressor``.

    What CatBoost's page on tuning lists, with its depths of 4 to 10; learning rate,
    ``l2_leaf_reg`` and ``random_strength`` as in the comparison by CatBoost's authors (its
    ``quality_benchmarks``). The number of trees isn't searched: CatBoost's page advises many, with
    its overfitting detector. The default learning rate is that which CatBoost takes once
    ``l2_leaf_reg`` is set.

    References:
        https://catboost.ai/docs/concepts/parameter-tuning. Prokhorenkova et al., CatBoost,
        arXiv:1706.09516.

    Example:
        >>> catboost().default()["depth"]
        6
    """
    return Space(
        learning_rate=Float(1e-3, 1.0, log=True, default=0.03),
        depth=Int(4, 10, default=6),
        l2_leaf_reg=Float(1.0, 10.0, log=True, default=3.0),
        random_strength=Float(1.0, 20.0, log=True, default=1.0),
        border_count=Int(32, 254, log=True, default=254),
    )
