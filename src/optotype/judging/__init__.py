"""Judge a finished run: open the sealed test split, score every split, check the uncertainty, diagnose."""

from optotype.judging.judge import judge
from optotype.judging.judgement import Judgement, Score

__all__ = ["Judgement", "Score", "judge"]
