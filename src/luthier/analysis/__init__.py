"""What a search is worth and what it did: histories and arrays in, plain values and words out."""

from luthier.analysis.chance import AgainstRandom, against_random
from luthier.analysis.comparison import Difference, corrected_variance, difference
from luthier.analysis.convergence import Convergence, Improvement, convergence
from luthier.analysis.diagnosis import Diagnosis, diagnose
from luthier.analysis.duplicates import Duplicates, Group, duplicates
from luthier.analysis.expectation import Expectation, expected_score
from luthier.analysis.failures import Failures, Kind, Region, failures
from luthier.analysis.held_out import HeldOut, held_out
from luthier.analysis.importance import Importance, Interaction, importance, importances
from luthier.analysis.overtuning import Overtuning, overtuning
from luthier.analysis.reasons import Reason, Reasons, Stretch, reasons
from luthier.analysis.regret import regret_bound
from luthier.analysis.savings import Savings, Stopped, savings
from luthier.analysis.selection import RULES, Choice, choose
from luthier.analysis.shrinkage import Shrunk, shrunk
from luthier.analysis.studies import Comparison, Pair, Standing, compare
from luthier.analysis.surrogate import SurrogateQuality, surrogate_quality
from luthier.analysis.utilisation import Span, Utilisation, utilisation

__all__ = [
    "RULES",
    "AgainstRandom",
    "Choice",
    "Comparison",
    "Convergence",
    "Diagnosis",
    "Difference",
    "Duplicates",
    "Expectation",
    "Failures",
    "Group",
    "HeldOut",
    "Importance",
    "Improvement",
    "Interaction",
    "Kind",
    "Overtuning",
    "Pair",
    "Reason",
    "Reasons",
    "Region",
    "Savings",
    "Shrunk",
    "Span",
    "Standing",
    "Stopped",
    "Stretch",
    "SurrogateQuality",
    "Utilisation",
    "against_random",
    "choose",
    "compare",
    "convergence",
    "corrected_variance",
    "diagnose",
    "difference",
    "duplicates",
    "expected_score",
    "failures",
    "held_out",
    "importance",
    "importances",
    "overtuning",
    "reasons",
    "regret_bound",
    "savings",
    "shrunk",
    "surrogate_quality",
    "utilisation",
]
