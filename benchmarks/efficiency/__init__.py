"""Sample efficiency: how good a configuration each sampler finds in so many trials."""
