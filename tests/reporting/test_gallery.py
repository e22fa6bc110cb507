"""The images that a report shows."""

from dataclasses import replace

import numpy as np
import pytest

from optotype.metrics import log_loss_per_image, softmax
from optotype.models.calibration import Calibration
from optotype.models.novelty import NoveltyDetector
from optotype.reporting.gallery import Gallery, smaller
from tests.judging.samples import judged


def test_the_worst_come_first() -> None:
    """Top losses are those of the highest cross-entropy; the surest mistakes are wrong, by falling probability."""
    judgement, model = judged(10, 200)
    gallery = Gallery(judgement, model)
    assert judgement.evidence is not None
    said = judgement.evidence.predictions["test"]
    worst = np.argsort(-log_loss_per_image(said.logits, said.labels), kind="stable")[:7]
    assert [each.place for each in gallery.top_losses(7)] == worst.tolist()
    mistakes = gallery.surest_mistakes(200)
    assert len(mistakes) == int((said.logits.argmax(axis=1) != said.labels).sum())
    assert not any(each.right for each in mistakes)
    sure = [each.probability for each in mistakes]
    assert sure == sorted(sure, reverse=True)


def test_the_sample_is_fair_and_fixed() -> None:
    """The sample is the same each time, has no image twice, and is all where there are few."""
    gallery = Gallery(*judged(10, 200))
    places = [each.place for each in gallery.sample(40)]
    assert places == [each.place for each in gallery.sample(40)]
    assert len(set(places)) == 40
    assert [each.place for each in Gallery(*judged(10, 20)).sample(40)] == list(range(20))


def test_the_strangest_are_the_farthest() -> None:
    """Images come by falling distance from the training images; a model that knows no distance has none to show."""
    judgement, model = judged(10, 50)
    evidence = judgement.evidence
    assert evidence is not None
    said = evidence.predictions["test"]
    assert said.distances is not None
    farthest = np.argsort(-said.distances)[:5].tolist()
    assert [each.place for each in Gallery(judgement, model).strangest(5)] == farthest
    none = {**evidence.predictions, "test": replace(said, distances=None)}
    cannot = replace(judgement, evidence=replace(evidence, predictions=none))
    assert Gallery(cannot, model).strangest(5) == []


def test_an_exhibit_says_what_the_model_said() -> None:
    """Label, prediction, both probabilities and the file of an image are those of the evidence."""
    judgement, model = judged(3, 5)
    evidence = judgement.evidence
    assert evidence is not None
    files = tuple(f"{place}.png" for place in range(5))
    judgement = replace(judgement, evidence=replace(evidence, files={**evidence.files, "test": files}))
    for each in Gallery(judgement, model).sample(5):
        label = int(evidence.predictions["test"].labels[each.place])
        assert each.label == f"class {label}"
        assert each.right is (each.label == each.predicted)
        assert (each.label_probability == each.probability) is each.right
        assert each.file == f"{each.place}.png"


def test_probabilities_are_calibrated_and_the_unlike_are_marked() -> None:
    """Where a model has a temperature its probabilities are shown; images beyond its threshold are called unlike."""
    judgement, plain = judged(10, 60)
    evidence = judgement.evidence
    assert evidence is not None
    said = evidence.predictions["test"]
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (200, 6, 5, 1)).astype(np.uint8), np.arange(200) % 10
    known = NoveltyDetector.fit(plain.network, images, labels, images[:100])
    model = replace(plain, calibration=Calibration(2.0, np.linspace(0, 1, 50)), novelty=known)
    assert said.distances is not None
    for each in Gallery(judgement, model).sample(60):
        assert each.probability == pytest.approx(softmax(said.logits / 2)[each.place].max())
        assert each.unknown is bool(said.distances[each.place] > known.threshold)
    assert not any(each.unknown for each in Gallery(judgement, plain).sample(60))


def test_without_evidence_there_is_no_gallery() -> None:
    """A judgement that was read from a file has no images, and is refused."""
    judgement, model = judged(3, 5)
    with pytest.raises(ValueError, match="no images"):
        Gallery(replace(judgement, evidence=None), model)


@pytest.mark.parametrize(
    ("shape", "result"), [((28, 28, 1), (28, 28, 1)), ((128, 64, 3), (64, 32, 3)), ((10, 128, 1), (5, 64, 1))]
)
def test_large_images_are_made_smaller(shape: tuple[int, int, int], result: tuple[int, int, int]) -> None:
    """Up to 64 pixels a side an image is shown as it is, beyond that with its proportions."""
    assert smaller(np.zeros(shape, np.uint8)).shape == result
