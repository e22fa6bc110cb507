"""Named data sets: the catalogue, their download, and the reading of their published files.

Modules:
    catalogue: The named data sets: classes, licence, citation, and the published files with their hashes.
    download: Download of a published file: resumed after an interruption, verified by size and SHA-256, and stored
        atomically.
    load: Loading of a named data set from the package, the user's folder, the system, the cache, or a download.
    unpacking: Reading of the published files of the named data sets to upright images and labels that start at 0.
"""
