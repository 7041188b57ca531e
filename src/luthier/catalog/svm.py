"""Support vector machines with kernels. Scale the data first: ``gamma`` is a distance's inverse."""

from __future__ import annotations

from luthier.space import Categorical, Float, Ordinal, Param, Space

__all__ = ["svc", "svr"]

_GAMMA = tuple(2.0**power for power in range(-15, 4))


def svc() -> Space:
    """``SVC``: ``C`` and ``kernel``, and what each kernel has of its own.

    ``gamma`` goes by powers of two from 2**-15 to 2**3, the range of LIBSVM's guide at half its
    step. scikit-learn's ``"scale"`` stands between 1/32 and 1/16: it is 1 / n_features for scaled
    data. ``C`` is that of Probst et al. (2019, table 1), ``coef0`` auto-sklearn's. Polynomials are
    left out: with a large ``gamma`` libsvm hardly ever ends. For many samples see ``linear_svc``.

    References:
        Hsu, Chang, Lin, A practical guide to support vector classification (2003). Probst,
        Boulesteix, Bischl, Tunability, arXiv:1802.09596. van Rijn, Hutter, Hyperparameter
        importance across datasets, arXiv:1710.04725: gamma, then C.

    Example:
        >>> svc().active({"kernel": "linear"})
        ('C', 'kernel')
    """
    return Space(_kernels())


def svr() -> Space:
    """``SVR``: as ``svc``, and the width of the tube, ``epsilon``, in units of the target.

    The range of ``epsilon`` is auto-sklearn's, for targets of unit variance.

    References:
        Those of ``svc``; Feurer et al., Auto-sklearn 2.0, arXiv:2007.04074.

    Example:
        >>> svr()["epsilon"]
        Float(0.001, 1.0, scale='log', default=0.1)
    """
    return Space(_kernels(), epsilon=Float(1e-3, 1.0, log=True, default=0.1))


def _kernels() -> dict[str, Param]:
    middle = _GAMMA.index(2.0**-4)
    return {
        "C": Float(2**-10, 2.0**10, log=True, default=1.0),
        "kernel": Categorical(["rbf", "sigmoid", "linear"], default="rbf"),
        "gamma": Ordinal(
            [*_GAMMA[:middle], "scale", *_GAMMA[middle:]],
            default="scale",
            when={"kernel": ["rbf", "sigmoid"]},
        ),
        "coef0": Float(-1.0, 1.0, default=0.0, when={"kernel": "sigmoid"}),
    }
