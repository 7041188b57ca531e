"""A study whose workers, clocks and server are torn down at random: ``make chaos``."""
