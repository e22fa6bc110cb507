"""Comparison of models, and of recipes trained with several seeds, on the same images."""

from optotype.comparing.compare import compare
from optotype.comparing.comparison import Comparison

__all__ = ["Comparison", "compare"]
