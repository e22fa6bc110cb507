"""Data sets: from a source to uint8 images, labels and class names; splits; image files; the sealed test set.

The parts are imported by name, `optotype.data.load` and so on. Only `optotype.data.sealed` opens a test split, so a
module that opens one is visible by its imports.
"""
