"""From finished runs to judgements and comparisons: the only code that opens the sealed test split."""

from optotype.judging.compare import compare
from optotype.judging.comparison import Comparison
from optotype.judging.judge import judge
from optotype.judging.judgement import Judgement, Score

__all__ = ["Comparison", "Judgement", "Score", "compare", "judge"]
