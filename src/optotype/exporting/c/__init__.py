"""Export as C99 source code."""
