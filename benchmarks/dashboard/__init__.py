"""What it costs to look: opening large studies, and twenty browsers that stay open."""
