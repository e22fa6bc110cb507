"""Export as NPZ."""
