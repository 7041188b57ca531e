"""What storages cost, and what several processes get done on one: ``make bench-storages``."""
