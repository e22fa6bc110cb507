"""Folders, archives, manifests and tables of image files as data sets."""
