"""The search space: what can be tried.

Parameters (``Float``, ``Int``, ...) with conditions (``when=``) and relations make a ``Space``;
its ``encoding`` turns configurations into arrays and back; ``sample`` draws from it; a
``Trace`` learns it from what objectives ask for.
"""

from luthier.space.conditions import AtLeast, AtMost, Between, Condition, Not, OneOf, Predicate
from luthier.space.encode import Column, Encoding
from luthier.space.params import (
    Categorical,
    Constant,
    Float,
    Int,
    Ordinal,
    Param,
    Permutation,
    param_from_json,
    same_domain,
)
from luthier.space.priors import Beta, LogNormal, Normal, Prior
from luthier.space.sample import sample
from luthier.space.space import Space
from luthier.space.trace import Trace, merge_definition
from luthier.space.values import from_json_value, to_json_value

__all__ = [
    "AtLeast",
    "AtMost",
    "Beta",
    "Between",
    "Categorical",
    "Column",
    "Condition",
    "Constant",
    "Encoding",
    "Float",
    "Int",
    "LogNormal",
    "Normal",
    "Not",
    "OneOf",
    "Ordinal",
    "Param",
    "Permutation",
    "Predicate",
    "Prior",
    "Space",
    "Trace",
    "from_json_value",
    "merge_definition",
    "param_from_json",
    "same_domain",
    "sample",
    "to_json_value",
]
