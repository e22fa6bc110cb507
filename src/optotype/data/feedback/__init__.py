"""Labelled images added by users: corrections and additional training images.

Modules:
    additions: Additional training images from a folder of class folders.
    corrections: The folder of corrections: images that users saved under their true labels, with one folder per
        class.
"""
