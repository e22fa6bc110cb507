"""Comparison of models, and of recipes trained with several seeds, on the same images.

Modules:
    candidates: The candidates of a comparison: opened, checked to be comparable, and named.
    compare: Comparison of models on the same images: which one is better, by how much, and whether the images
        suffice to tell.
    comparison: Comparison: the accuracy of each model, a verdict for every pair, and the images on which the models
        disagree.
    verdicts: The statistics and the verdicts of a comparison: which model is better, and which recipe.
"""

from optotype.comparing.compare import compare
from optotype.comparing.comparison import Comparison

__all__ = ["Comparison", "compare"]
