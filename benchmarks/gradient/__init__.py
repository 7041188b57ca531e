"""What hypergradients reach on public problems: `make bench-gradient`."""
