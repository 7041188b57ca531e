"""Evolution beside its peers: fronts, single objectives, costs."""
