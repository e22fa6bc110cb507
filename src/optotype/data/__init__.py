"""From sources to data sets: uint8 images, labels, class names; splits; pictures; the sealed test.

The parts are imported by name, `optotype.data.load` and so on: only `optotype.data.sealed` opens a test split, so
whoever opens one says so among its imports.
"""
