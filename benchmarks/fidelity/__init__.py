"""Early stopping and learning curves on tables of real trainings."""
