"""Folders, archives, manifests and tables of image files as data sets.

Modules:
    archives: Zip and tar archives of image files: read member by member, never extracted under names from the
        archive.
    folders: The image files of a folder, found without opening one of them.
    inputs: Resolution of image arguments: files, folders with everything in them, and glob patterns.
    listing: The image files of a source with their classes and splits, derived from names alone, before any file is
        decoded.
    manifests: CSV manifests: tables with one row per image file and the columns path, label and optionally split.
    picture_sets: Data sets of image files: a folder, an archive, a manifest or a Parquet table, decoded once and
        then memory-mapped.
    spool: The temporary file that receives the image files of an archive or table, one after another.
    tables: Parquet files: image tables in the format of Hugging Face datasets, and manifests.
"""
