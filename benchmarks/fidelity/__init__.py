"""Early stopping and learning curves on tables of real trainings."""
"""What multi-fidelity methods are worth, at equal training time."""
