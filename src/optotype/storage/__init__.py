"""Files on disk: atomic writes, locks, the cache folder, image digests, and markers of optotype's own output."""
