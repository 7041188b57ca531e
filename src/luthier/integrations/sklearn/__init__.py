"""Searches over scikit-learn estimators: studies that are estimators themselves.

All come down to one fit, of a candidate to a split (``fitting.py``), on the same splits for all
(``cross_validation.py``), and end in one table (``cv_results.py``).

``SearchCV`` (``search.py``) runs a study: an objective takes a trial from split to split
(``objective.py``), or from level to level of a fidelity (``fidelity.py``), while a scheduler races
it (``racing.py``). Candidates' pipelines may share what they fit (``prefixes.py``, kept in
``scratch.py``). The estimator as it was given goes first (``default.py``), with what an earlier
search has found (``warm_start.py``). Who wins, and what that is worth, is in ``selection.py``, with
``confirm.py`` and ``verdict.py``. What it may be told is checked in ``settings.py``.

``GridSearchCV`` and its kin are scikit-learn's own searches with a study behind them: ``drop_in``.
``callbacks.py`` tells scikit-learn's callbacks how far these are.
"""

from luthier.errors import require_extra

require_extra("sklearn", "sklearn", "SearchCV")

from luthier.integrations.sklearn.confirm import Confirm  # noqa: E402
from luthier.integrations.sklearn.drop_in.exhaustive import (  # noqa: E402
    GridSearchCV,
    RandomizedSearchCV,
)
from luthier.integrations.sklearn.drop_in.successive import (  # noqa: E402
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
)
from luthier.integrations.sklearn.search import SearchCV  # noqa: E402

__all__ = [
    "Confirm",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "RandomizedSearchCV",
    "SearchCV",
]
