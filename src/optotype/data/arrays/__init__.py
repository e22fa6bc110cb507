"""Arrays as data sets: in memory, IDX and NPZ files."""
