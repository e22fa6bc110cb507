"""`optotype train`: train a recipe on a data set and save the result in a run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.layers import layers_table
from optotype.cli.loading import load_source
from optotype.cli.options import Add, OnBad, Rehash, Size, Source
from optotype.cli.terminal import StoppedError, make_console, print_text
from optotype.cli.training_progress import training_progress
from optotype.cli.training_result import print_result
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.data.dataset import Dataset
    from optotype.models.transfer import TransferRecipe
    from optotype.recipes.recipe import Recipe


RecipeName = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="A built-in recipe (see 'optotype recipes') or a TOML file."),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting of the recipe, for example epochs=1 or optimizer.learning_rate=0.03 (repeatable).",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Seed of weights, image order and dropout; same as --set seed=N."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Number of threads. Default: all cores. The result does not depend on it."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The run folder to create. Default: a new folder in runs/."),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="TARGET",
        help="Start from the weights of this run or model file (transfer learning): its layers with a new head, or"
        " the layers of --recipe, whose first layers must match.",
    ),
]
Freeze = Annotated[
    bool,
    typer.Option(
        "--freeze/--no-freeze",
        metavar="",
        help="Freeze the layers taken from --from and train only the layers after them, or train all layers.",
    ),
]
Judge = Annotated[
    bool,
    typer.Option("--judge", metavar="", help="Judge the model afterwards. This opens the sealed test set."),
]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print JSON only: one line per epoch, then the result.")
]


def train(
    source: Source,
    recipe: RecipeName = None,
    changes: Changes = None,
    seed: Seed = None,
    begin: From = None,
    freeze: Freeze = False,
    threads: Threads = None,
    out: Out = None,
    add: Add = None,
    size: Size = None,
    on_bad: OnBad = "stop",
    rehash: Rehash = False,
    judge: Judge = False,
    json: Json = False,
) -> None:
    """Train a classifier and save it in a run folder.

    The run folder also records the recipe, data, split and versions. Accuracy is
    measured on validation images that are set aside from the training images.
    The test set stays sealed without --judge.
    """
    from optotype.training.train import train as run_training

    data = load_source(source, size, on_bad, rehash=rehash, add=add)
    settings = _parse_settings(changes or [], seed)
    if freeze and begin is None:
        raise typer.BadParameter("--freeze requires --from TARGET.", param_hint="--freeze")
    chosen: Recipe | TransferRecipe
    if begin is None:
        chosen = _recipe(data, recipe).override(settings)
    else:
        chosen = _transfer_recipe(data, recipe, begin, freeze=freeze).override(settings)
    console = make_console()
    if not json:
        _print_introduction(console, data, chosen)
    try:
        with training_progress(console, json=json) as report:
            run = run_training(data, chosen, out=out, threads=threads, report=report)
    except KeyboardInterrupt as interrupt:
        raise StoppedError(str(interrupt)) from None
    print_result(console, run, judge=judge, json=json)


def _parse_settings(changes: list[str], seed: int | None) -> dict[str, object]:
    """Parse the settings of --set and --seed."""
    settings: dict[str, object] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key.strip() and equals):
            raise typer.BadParameter(f"{change!r} is not KEY=VALUE.", param_hint="--set")
        settings[key.strip()] = value.strip()
    if seed is not None:
        settings["seed"] = seed
    return settings


def _recipe(data: "Dataset", name: str | None) -> "Recipe":
    from optotype.recipes.builtin import default_recipe, load_recipe

    return default_recipe(data.name, data.own_images) if name is None else load_recipe(name)


def _transfer_recipe(data: "Dataset", name: str | None, target: Path, *, freeze: bool) -> "TransferRecipe":
    """Return a recipe that starts from a model: the named one, or the data's default with the model's layers."""
    from optotype.models.transfer import TransferRecipe
    from optotype.runs.targets import open_target

    model = open_target(target).model
    if name is None:
        return model.transfer(settings=_recipe(data, None), freeze=freeze)
    return TransferRecipe.from_equal_layers(_recipe(data, name), model, freeze=freeze)


def _print_introduction(console: "Console", data: "Dataset", chosen: "Recipe | TransferRecipe") -> None:
    """Print the data, the recipe and the network."""
    from optotype.engine.layers import describe
    from optotype.models.transfer import TransferRecipe

    recipe = chosen.recipe if isinstance(chosen, TransferRecipe) else chosen
    _print_data(console, data)
    _print_recipe(console, recipe)
    if isinstance(chosen, TransferRecipe):
        layers = (
            f"its first {count(chosen.shared_layers, 'layer')}, {'frozen' if chosen.freeze else 'trainable'}"
        )
        start = f"{chosen.model.recipe.name} ({len(chosen.model.class_names)} classes)"
        print_text(console, f"starts from {start}: {layers}")
    console.print(layers_table(describe(recipe.network_layers(len(data.class_names)), data.shape)))


def _print_data(console: "Console", data: "Dataset") -> None:
    from optotype.text import printable

    shape = "x".join(map(str, data.shape))
    console.print(
        f"{data.name}: {len(data.images):,} training images of {shape}, {len(data.class_names)} classes"
    )
    if data.addition is not None:
        classes = len(set(data.labels[data.own_images :].tolist()))
        print_text(
            console,
            f"{count(len(data.addition.files), 'additional training image')} of {classes:,}"
            f" {'class' if classes == 1 else 'classes'} from {printable(str(data.options.add))}",
        )
    if data.skipped:
        first = data.skipped[0]
        print_text(
            console,
            f"skipped {count(len(data.skipped), 'unreadable file')}, listed in the run's skipped.json. The first:"
            f" {first.file} {first.reason}",
        )


def _print_recipe(console: "Console", recipe: "Recipe") -> None:
    from optotype.engine.processor import resolve_precision

    isa, precision = resolve_precision(recipe.precision)
    print_text(
        console,
        f"{recipe.name}: {recipe.optimizer.type}, learning rate {recipe.optimizer.learning_rate:g}"
        f" ({recipe.schedule.type}), batch size {recipe.batch_size}, {count(recipe.epochs, 'epoch')},"
        f" validation {recipe.validation}, seed {recipe.seed}, {precision} on {isa}"
        + (f", augmentation: {recipe.augment}" if recipe.augment else ""),
    )
