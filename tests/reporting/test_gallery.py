"""The images that a report shows."""

from dataclasses import replace

import numpy as np
import pytest

from optotype.judging.judgement import Evidence, Judgement
from optotype.metrics import log_loss_per_image, softmax
from optotype.models.calibration import Calibration
from optotype.models.novelty import NoveltyDetector
from optotype.reporting.gallery import Gallery, scale_down
from tests.judging.samples import judged


def _evidence(judgement: Judgement) -> Evidence:
    assert judgement.evidence is not None
    return judgement.evidence


def test_the_worst_images_come_first() -> None:
    """Top losses have the highest cross-entropy; the most confident errors are wrong, by falling probability."""
    judgement, model = judged(10, 200)
    gallery = Gallery(judgement, model)
    predictions = _evidence(judgement).predictions["test"]
    worst = np.argsort(-log_loss_per_image(predictions.logits, predictions.labels), kind="stable")[:7]
    assert [image.index for image in gallery.top_losses(7)] == worst.tolist()
    errors = gallery.most_confident_errors(200)
    assert len(errors) == int((predictions.logits.argmax(axis=1) != predictions.labels).sum())
    assert not any(image.is_correct for image in errors)
    confidences = [image.probability for image in errors]
    assert confidences == sorted(confidences, reverse=True)


def test_the_random_sample_is_always_the_same() -> None:
    """The sample is the same each time, has no image twice, and contains all images if there are few."""
    gallery = Gallery(*judged(10, 200))
    indices = [image.index for image in gallery.random_sample(40)]
    assert indices == [image.index for image in gallery.random_sample(40)]
    assert len(set(indices)) == 40
    assert [image.index for image in Gallery(*judged(10, 20)).random_sample(40)] == list(range(20))


def test_the_most_novel_images_are_the_farthest() -> None:
    """Images come by falling distance from the training images; without distances there are none."""
    judgement, model = judged(10, 50)
    evidence = _evidence(judgement)
    predictions = evidence.predictions["test"]
    assert predictions.distances is not None
    farthest = np.argsort(-predictions.distances)[:5].tolist()
    assert [image.index for image in Gallery(judgement, model).most_novel(5)] == farthest
    without = {**evidence.predictions, "test": replace(predictions, distances=None)}
    assert (
        Gallery(replace(judgement, evidence=replace(evidence, predictions=without)), model).most_novel(5)
        == []
    )


def test_an_image_has_its_label_and_prediction() -> None:
    """Label, prediction, both probabilities and the file of an image are those of the evidence."""
    judgement, model = judged(3, 5)
    evidence = _evidence(judgement)
    files = tuple(f"{index}.png" for index in range(5))
    judgement = replace(judgement, evidence=replace(evidence, files={**evidence.files, "test": files}))
    for image in Gallery(judgement, model).random_sample(5):
        label = int(evidence.predictions["test"].labels[image.index])
        assert image.label == f"class {label}"
        assert image.is_correct is (image.label == image.predicted)
        assert (image.label_probability == image.probability) is image.is_correct
        assert image.file == f"{image.index}.png"


def test_probabilities_are_calibrated_and_novel_images_are_marked() -> None:
    """The calibrated probabilities are shown if there are any; images beyond the threshold are marked as novel."""
    judgement, plain = judged(10, 60)
    predictions = _evidence(judgement).predictions["test"]
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (200, 6, 5, 1)).astype(np.uint8), np.arange(200) % 10
    detector = NoveltyDetector.fit(plain.network, images, labels, images[:100])
    calibration = Calibration(2.0, np.linspace(0, 1, 50))
    model = replace(plain, calibration=calibration, novelty=detector)
    assert predictions.distances is not None
    for image in Gallery(judgement, model).random_sample(60):
        assert image.probability == pytest.approx(softmax(predictions.logits / 2)[image.index].max())
        assert image.is_novel is bool(predictions.distances[image.index] > detector.threshold)
    assert not any(image.is_novel for image in Gallery(judgement, plain).random_sample(60))


def test_without_evidence_there_is_no_gallery() -> None:
    """A judgement that was read from a file has no images and is refused."""
    judgement, model = judged(3, 5)
    with pytest.raises(ValueError, match="no images"):
        Gallery(replace(judgement, evidence=None), model)


@pytest.mark.parametrize(
    ("shape", "result"), [((28, 28, 1), (28, 28, 1)), ((128, 64, 3), (64, 32, 3)), ((10, 128, 1), (5, 64, 1))]
)
def test_large_images_are_scaled_down(shape: tuple[int, int, int], result: tuple[int, int, int]) -> None:
    """An image of up to 64 pixels per side is unchanged; a larger one keeps its proportions."""
    assert scale_down(np.zeros(shape, np.uint8)).shape == result
