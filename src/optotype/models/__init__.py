"""Models: the trained thing, its file, and the only path from pixels to probabilities."""
