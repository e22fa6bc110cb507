"""The data doctor: finds faults in the images and labels of a data set before training.

Modules:
    check: Runs every check of the data doctor on a data set.
    cross_validation: Cross-validation with probe networks: predictions for images that a network was not trained
        on.
    duplicates: Duplicates: exact and near copies of images, with the same label or different ones, within a split
        or across.
    examples: Pictures for findings: an image of any split with its label and file name.
    findings: Findings of the data doctor: most severe kind first, worst finding first, with a verdict in one
        sentence.
    imbalance: Class imbalance: classes with far fewer training images than the largest class.
    label_errors: Likely label errors: labels that contradict networks which were not trained on the image, by
        confident learning.
    near_duplicates: Near duplicates: images that are equal but for a shift, a small rotation, noise, compression or
        exposure.
    outliers: Outliers: images far brighter, darker or of other contrast than the rest, and files of far other sizes
        or shapes.
    rescoring: The accuracy of judged runs without the suspect test images.
    thumbnails: Thumbnails: images with sides of at most 32 pixels, small enough to compare and to train on quickly.
"""

from optotype.checking.check import check
from optotype.checking.findings import Finding, Findings, Picture

__all__ = ["Finding", "Findings", "Picture", "check"]
