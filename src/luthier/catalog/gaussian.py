"""Models that take each class for a Gaussian: naive Bayes, and linear discriminants."""

from __future__ import annotations

from luthier.space import Categorical, Float, Ordinal, Space

__all__ = ["gaussian_nb", "linear_discriminant_analysis"]

_SHRINKAGES = (0.0, 0.01, 0.03, "auto", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def gaussian_nb() -> Space:
    """``GaussianNB``: ``var_smoothing``, what share of the widest feature's variance all get more.

    The range is ours, from scikit-learn's default, which only keeps from dividing by zero, up to 1,
    where no feature is narrower than the widest one. Where it matters, it is large.

    References:
        https://scikit-learn.org/stable/modules/naive_bayes.html

    Example:
        >>> gaussian_nb()["var_smoothing"]
        Float(1e-09, 1.0, scale='log', default=1e-09)
    """
    return Space(var_smoothing=Float(1e-9, 1.0, log=True, default=1e-9))


def linear_discriminant_analysis() -> Space:
    """``LinearDiscriminantAnalysis``: as it comes, or how far covariances shrink to a diagonal.

    As in auto-sklearn: without shrinkage by singular values, with it by least squares, as the
    former knows none. ``"auto"``, the formula of Ledoit and Wolf, stands where it mostly comes to.

    References:
        Ledoit, Wolf, Honey, I shrunk the sample covariance matrix (2004). Friedman, Regularized
        discriminant analysis (1989). Feurer et al., Auto-sklearn 2.0, arXiv:2007.04074.

    Example:
        >>> linear_discriminant_analysis().active({"solver": "svd"})
        ('solver',)
    """
    return Space(
        solver=Categorical(["svd", "lsqr"], default="svd"),
        shrinkage=Ordinal(_SHRINKAGES, default="auto", when={"solver": "lsqr"}),
    )
