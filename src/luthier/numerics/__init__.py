"""The mathematics: arrays in, arrays out, one file per method; no trials, no spaces."""
