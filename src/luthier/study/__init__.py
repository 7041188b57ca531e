"""Studies: asking, telling, optimising, and the trials in between."""
