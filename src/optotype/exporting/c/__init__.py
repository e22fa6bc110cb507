"""Export as C99."""
