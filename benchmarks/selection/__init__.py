"""Honest selection: how often the winner of a search is worse than the defaults."""
