"""Files on disk: atomic writes, locks, the cache folder, image digests, and markers of optotype's own output.

Modules:
    atomic: Atomic, durable file writes: write under a temporary name, fsync, then rename.
    cache_folder: The folder for everything that optotype can rebuild: downloads, unpacked data sets, decoded
        images.
    digests: Hashes of single images: two images have the same digest if all their pixels are equal.
    locks: Locks between processes and threads, by filelock.
    outputs: Markers of optotype's own output, so that it is never read as part of a data set.
"""
