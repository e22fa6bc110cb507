"""From a finished run to a judgement: the only code that opens the sealed test split."""

from optotype.judging.judge import Judgement, Score, judge

__all__ = ["Judgement", "Score", "judge"]
