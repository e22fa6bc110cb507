"""Judging of a finished run: scores on every split, uncertainty checks, baselines and diagnoses."""

from optotype.judging.judge import judge
from optotype.judging.judgement import Judgement, Score

__all__ = ["Judgement", "Score", "judge"]
