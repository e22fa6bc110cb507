"""The score of one split, computed from its predictions."""

import numpy as np

from optotype.judging.judgement import ClassScore, Score
from optotype.metrics import Estimate, log_loss_per_image, proportion, ranks
from optotype.metrics.bootstrap import mean_estimate
from optotype.metrics.confusion import confusion_matrix, confusion_scores
from optotype.runs.predictions import Predictions


def score(predictions: Predictions, class_names: tuple[str, ...]) -> Score:
    """Score predictions.

    Args:
        predictions: Logits and labels of at least one image.
        class_names: The names of the classes, in the model's order.

    Returns:
        The score; `judgement.Score` documents the method of each interval.
    """
    logits, labels = predictions.logits, predictions.labels
    n = len(labels)
    rank = ranks(logits, labels)
    confusion = confusion_matrix(labels, logits.argmax(axis=1), len(class_names))
    scores = confusion_scores(confusion)
    support, predicted, correct = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    return Score(
        n=n,
        accuracy=proportion(int((rank == 0).sum()), n),
        top3=proportion(int((rank < 3).sum()), n) if len(class_names) > 3 else None,
        log_loss=mean_estimate(log_loss_per_image(logits, labels)),
        precision=scores.precision,
        recall=scores.recall,
        f1=scores.f1,
        balanced_accuracy=scores.balanced_accuracy,
        kappa=scores.kappa,
        classes=tuple(
            ClassScore(
                name,
                int(support[index]),
                int(predicted[index]),
                precision=_proportion(correct[index], predicted[index]),
                recall=_proportion(correct[index], support[index]),
                f1=scores.class_f1[index],
            )
            for index, name in enumerate(class_names)
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def _proportion(correct: np.int64, n: np.int64) -> Estimate | None:
    return proportion(int(correct), int(n)) if n else None
