"""From a finished run to a judgement: the only code that opens the sealed test split."""

from optotype.judging.judge import judge
from optotype.judging.judgement import Judgement, Score

__all__ = ["Judgement", "Score", "judge"]
