"""`optotype predict`: what a model sees in pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optotype.cli.terminal import console, print_json

if TYPE_CHECKING:
    from optotype.models.model import Model, Prediction
    from optotype.runs.run import Run


def predict(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A run folder or a model file.")],
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures: PNG, JPEG and the like.")
    ],
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the likeliest classes to show.")
    ] = 3,
    precision: Annotated[
        Literal["fp32", "bf16"], typer.Option(help="Of the operands of products; bf16 needs AMX.")
    ] = "fp32",
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Name the likeliest classes of each picture, with their probabilities."""
    from optotype.runs.run import find_target

    model = _model(find_target(target))
    predictions = model.predict(images, precision=precision)
    if json:
        pairs = zip(images, predictions, strict=True)
        print_json({"predictions": [_as_json(path, prediction, top) for path, prediction in pairs]})
        return
    screen = console()
    width = max(len(str(path)) for path in images)
    for path, prediction in zip(images, predictions, strict=True):
        screen.print(f"{path!s:<{width}}   {_in_words(prediction, top)}")


def _in_words(prediction: "Prediction", top: int) -> str:
    words = [f"{label} {probability:.4f}" for label, probability in prediction.top(top)]
    if prediction.label_set is not None and len(prediction.label_set) > 1:
        every = len(prediction.label_set) == len(prediction.class_names)
        words.append("may be any class" if every else f"may be any of: {', '.join(prediction.label_set)}")
    if prediction.unknown:
        words.append("unlike the training images")
    return "   ".join(words)


def _model(target: "Run | Model") -> "Model":
    """Take the model of a run; one whose training did not end well is used all the same, but said to be so."""
    from optotype.models.model import Model

    model = target if isinstance(target, Model) else target.model
    status = model.provenance.get("status", "finished")
    if status != "finished":
        console(stderr=True).print(f"Note: the training of this model is marked {status!r}, not 'finished'.")
    return model


def _as_json(path: Path, prediction: "Prediction", top: int) -> dict[str, object]:
    return {
        "image": str(path),
        "label": prediction.label,
        "probability": prediction.probability,
        "top": [{"label": label, "probability": value} for label, value in prediction.top(top)],
        "label_set": prediction.label_set,
        "unknown": prediction.unknown,
    }
