"""Export as NPZ, NumPy's archive of arrays."""
