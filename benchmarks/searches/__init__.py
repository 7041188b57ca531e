"""Searches over scikit-learn estimators, beside the other ones there are."""
