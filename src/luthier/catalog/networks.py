"""Neural networks: their usual parameters one by one, and scikit-learn's multi-layer perceptron."""

from __future__ import annotations

from luthier.space import Categorical, Float, Int, Ordinal, Space
from luthier.space.conditions import When

__all__ = ["batch_size", "dropout", "hidden_units", "learning_rate", "mlp", "weight_decay"]


def learning_rate(*, default: float | None = 1e-3, when: When | None = None) -> Float:
    """The step of stochastic gradient descent: 1e-5 to 1e-1, log scale.

    The one parameter to tune where there is time for one only (Bengio 2012, section 3.1.1), and
    one whose orders of magnitude matter. The default is Adam's (Kingma and Ba 2015).

    Args:
        default: Where to start; None for nowhere in particular.
        when: Condition under which it is active.

    References:
        Bengio, Practical recommendations for gradient-based training of deep architectures,
        arXiv:1206.5533. Kingma, Ba, Adam, arXiv:1412.6980.

    Example:
        >>> learning_rate()
        Float(1e-05, 0.1, scale='log', default=0.001)
    """
    return Float(1e-5, 1e-1, log=True, default=default, when=when)


def batch_size(*, default: int | None = 32, when: When | None = None) -> Int:
    """How many samples a gradient is taken over: 16 to 512, powers of two.

    The range is LCBench's; the default is Bengio's (2012, section 3.1.1).

    Args:
        default: Where to start; None for nowhere in particular.
        when: Condition under which it is active.

    References:
        Zimmer, Lindauer, Hutter, Auto-PyTorch Tabular, arXiv:2006.13799. Bengio,
        arXiv:1206.5533.

    Example:
        >>> batch_size().grid(1)
        [16, 32, 64, 128, 256, 512]
    """
    return Int(16, 512, scale="power_of_two", default=default, when=when)


def weight_decay(*, default: float | None = 1e-4, when: When | None = None) -> Float:
    """The strength of weight decay: 1e-6 to 1e-2, log scale.

    It reaches from no effect to AdamW's default in PyTorch, 1e-2. Where to start is our choice.

    Args:
        default: Where to start; None for nowhere in particular.
        when: Condition under which it is active.

    References:
        Loshchilov, Hutter, Decoupled weight decay regularization, arXiv:1711.05101.

    Example:
        >>> weight_decay()
        Float(1e-06, 0.01, scale='log', default=0.0001)
    """
    return Float(1e-6, 1e-2, log=True, default=default, when=when)


def dropout(*, default: float | None = 0.5, when: When | None = None) -> Float:
    """The share of units that are left out in training: 0.1 to 0.8.

    Half of the hidden units is where Srivastava et al. (2014) start, and PyTorch's default.

    Args:
        default: Where to start; None for nowhere in particular.
        when: Condition under which it is active.

    References:
        Srivastava et al., Dropout, Journal of Machine Learning Research 15 (2014).

    Example:
        >>> dropout()
        Float(0.1, 0.8, default=0.5)
    """
    return Float(0.1, 0.8, default=default, when=when)


def hidden_units(*, default: int | None = 128, when: When | None = None) -> Int:
    """The width of a layer: 32 to 1024, powers of two.

    LCBench searches 64 to 1024 on a log scale; the lower end and where to start are ours.

    Args:
        default: Where to start; None for nowhere in particular.
        when: Condition under which it is active.

    References:
        Zimmer, Lindauer, Hutter, Auto-PyTorch Tabular, arXiv:2006.13799.

    Example:
        >>> hidden_units().grid(1)
        [32, 64, 128, 256, 512, 1024]
    """
    return Int(32, 1024, scale="power_of_two", default=default, when=when)


def mlp() -> Space:
    """``MLPClassifier`` and ``MLPRegressor``: one or two layers of 32 to 512 units.

    Activation, ``alpha`` and the initial learning rate are searched as in auto-sklearn 0.15 (its
    ``mlp.py``), with Adam as there. The layers are in order of width, then depth; 100 units are
    scikit-learn's default.

    References:
        Feurer et al., Auto-sklearn 2.0, arXiv:2007.04074.

    Example:
        >>> mlp().default()["hidden_layer_sizes"]
        (100,)
    """
    widths = (32, 64, 100, 128, 256, 512)
    layers = [(width,) * depth for width in widths for depth in (1, 2)]
    return Space(
        hidden_layer_sizes=Ordinal(layers, default=(100,)),
        activation=Categorical(["relu", "tanh"], default="relu"),
        alpha=Float(1e-5, 1.0, log=True, default=1e-4),
        learning_rate_init=Float(1e-4, 0.5, log=True, default=1e-3),
    )
