"""Files on disk: atomic writes, locks, the cache folder, image digests, and marks of our own output."""
