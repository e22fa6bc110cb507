"""The accuracy that --fit-digit gains on photographed digits: `python -m reproduce.fit_digit`, about a minute.

A model of MNIST predicts 500 test images three times: the original images, simulated photographs of them with MNIST's
preprocessing, and the same photographs without it. The constants of the preprocessing were chosen on training images.
Writes results/fit_digit.json, and prints the table in docs/predicting.md.
"""

import io
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

import optotype as ot
from optotype.errors import ImageError
from optotype.metrics import Estimate, proportion
from reproduce.machine import Machine, this_machine
from reproduce.results import FOLDER, Frozen, write

FILE: Final = FOLDER / "fit_digit.json"
N: Final = 500
SIZE: Final = (200, 150)
"""Width and height of the photographs."""
WAYS: Final = ("MNIST's own image", "a photograph, with --fit-digit", "a photograph, without")


class Result(Frozen):
    """The contents of results/fit_digit.json.

    Attributes:
        machine: The machine of the measurement.
        n: The number of images.
        correct: Correctly classified images per method.
        refused: Images in which no digit was found; they count as errors.
    """

    machine: Machine
    n: int
    correct: dict[str, int]
    refused: int


def main() -> None:
    """Train, render the photographs, predict, save the result, and print it."""
    mnist = ot.load("mnist")
    with tempfile.TemporaryDirectory() as folder:
        model = ot.train(mnist, ot.load_recipe("mnist-quick"), out=Path(folder) / "run", curves=False).model
        opened = ot.open_test(mnist, folder, "reproduce.fit_digit")
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(opened.images))[:N]
    result = measure(model, opened.images[chosen], opened.labels[chosen], rng)
    write(result, FILE)
    print(table(result))


def measure(
    model: ot.Model, images: NDArray[np.uint8], labels: NDArray[np.integer], rng: np.random.Generator
) -> Result:
    """Count correct predictions for original images and for simulated photographs."""
    photographs = [photograph(image[..., 0], rng) for image in images]
    digits = [_fit_or_none(content) for content in photographs]
    is_fitted = np.array([digit is not None for digit in digits])
    fitted = [np.zeros((28, 28), np.uint8) if digit is None else digit for digit in digits]
    is_correct = [model.logits(inputs).argmax(axis=1) == labels for inputs in (images, fitted, photographs)]
    is_correct[1] &= is_fitted
    counts = {way: int(correct.sum()) for way, correct in zip(WAYS, is_correct, strict=True)}
    return Result(machine=this_machine(), n=len(labels), correct=counts, refused=int((~is_fitted).sum()))


def photograph(digit: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    """Simulate a photograph of a digit written on paper: 200 x 150 pixels in colour, as JPEG.

    The digit is 40 to 106 pixels large, at a random position. The paper has a random light colour and is lit from one
    side; the ink has a random dark colour. Lens and sensor add blur and noise.

    Args:
        digit: uint8 of shape (28, 28), bright on black.
        rng: The source of all randomness.
    """
    height = int(rng.integers(56, 150))  # of MNIST's whole image, of which the digit takes 20 pixels of 28
    large = np.asarray(Image.fromarray(digit).resize((height, height), Image.Resampling.BICUBIC)) / 255
    ink = np.zeros((SIZE[1], SIZE[0]))
    top, left = (int(rng.integers(0, room - height + 1)) for room in ink.shape)
    ink[top : top + height, left : left + height] = np.clip(1.6 * large - 0.3, 0, 1)
    y, x = np.mgrid[-1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[0] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 - rng.uniform(0, 0.2) * (1 + np.cos(angle) * x + np.sin(angle) * y) / 2
    paper, pen = rng.uniform(190, 250, 3), rng.uniform(10, 100, 3)
    colour = (paper + ink[..., np.newaxis] * (pen - paper)) * light[..., np.newaxis]
    colour += rng.normal(0, rng.uniform(2, 8), colour.shape)
    picture = Image.fromarray(np.clip(np.rint(colour), 0, 255).astype(np.uint8))
    content = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1))).save(content, "JPEG", quality=85)
    return content.getvalue()


def _fit_or_none(content: bytes) -> NDArray[np.uint8] | None:
    try:
        return ot.fit_digit(content)
    except ImageError:
        return None


def table(result: Result) -> str:
    """Render a table with one row per method: its accuracy and 95 % interval."""
    rows = ["| input image | accuracy | 95 % interval |", "|---|---|---|"]
    for way, correct in result.correct.items():
        share: Estimate = proportion(correct, result.n)
        rows.append(f"| {way} | {share.value:.3f} | {share.low:.3f} to {share.high:.3f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
