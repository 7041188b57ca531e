"""How many fits racing over folds saves, and what it loses: ``python -m benchmarks.folds``."""
