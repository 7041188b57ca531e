"""How good a front samplers find in a hundred trials, beside Optuna's TPE and GP.

``python -m benchmarks.fronts record luthier:gp`` runs what isn't recorded yet, ``scales`` fixes the
reference points, ``report --publish`` writes docs/benchmarks/fronts.md.
"""
