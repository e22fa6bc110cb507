"""Named data sets: the catalogue, their download, and the reading of their published files."""
