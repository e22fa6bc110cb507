"""Data sets: from a source to uint8 images, labels and class names; splits; image files; the sealed test set.

The parts are imported by name, `optotype.data.load` and so on. Only `optotype.data.sealed` opens a test split, so a
module that opens one is visible by its imports.

Modules:
    dataset: The Dataset: images and labels to train on, and a test split that stays sealed.
    imbalance: Class imbalance: classes with far fewer images than the largest class.
    load: Loading of a data set from any source.
    openings: The log of openings of sealed test sets.
    overview: A summary of a data set in numbers, without opening its test images.
    sealed: Opening of the sealed test split: every opening is logged and counted before the images are returned.
    splits: The split into training and validation images: the source's own, or a stratified split of the training
        images.
    statistics: Statistics of pixel values in the range 0 .. 1, for data sets that may be larger than memory.
    test_split: The test split of a source without one: one fifth of every class, always the same images.
"""
