"""Speed beside peers, measured in the same run; see README.md."""
