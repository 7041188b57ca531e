"""What all plug-ins share: trial records, the history, the objective, the contracts."""
