"""Data sets known by name: what they are, where they lie or are fetched from, and how their files are read."""
