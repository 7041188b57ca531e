"""What a proposal costs: CPU time for ask and tell, beside peers in the same run."""
