"""What mattered, by Luthier and by Optuna, on the same trials (``make bench-importance``)."""
