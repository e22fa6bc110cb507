"""What is wrong with a run, or could be better, in words that a learner understands."""

from optotype.diagnosis.diagnose import diagnose

__all__ = ["diagnose"]
