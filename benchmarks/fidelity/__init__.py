"""Multi-fidelity methods and populations, on tables of real trainings and small models."""
