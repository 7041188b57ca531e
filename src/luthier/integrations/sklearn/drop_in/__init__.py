"""scikit-learn's four searches with a study behind them; a changed import is enough.

The classes are in ``exhaustive.py`` (all candidates on all splits) and ``successive.py`` (in
rounds, as ``rounds.py`` plans them). Each is scikit-learn's own class with another ``fit``, and
what those have in common is in ``shell.py``: candidates become trials that wait (``listing.py``),
are worked off side by side (``working.py``), and read back from the study as one table
(``outcomes.py``).
"""
