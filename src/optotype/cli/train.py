"""`optotype train`: from a data set and a recipe to a run folder, watched on the way."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.layers import layers_table
from optotype.cli.loading import Add, OnBad, Rehash, Size, Source, load_source
from optotype.cli.progress import reporting
from optotype.cli.summary import conclude
from optotype.cli.terminal import StoppedError, console, prose
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
        help="Change one setting of the recipe, such as epochs=1 or optimizer.learning_rate=0.03; repeatable.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Seed of weights, order and dropout; short for --set seed=N."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Threads to use; all cores unless given. They never change the result."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The run folder to make; a new one under runs/ unless given."),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="TARGET",
        help="A run folder or model file to begin from: its layers, with a new head, or those of --recipe, of which"
        " the first must be like its own.",
    ),
]
Freeze = Annotated[
    bool,
    typer.Option(
        "--freeze/--no-freeze",
        metavar="",
        help="Leave the layers taken by --from as they are and train only what follows them, or train them too.",
    ),
]
Judge = Annotated[
    bool,
    typer.Option("--judge", metavar="", help="Judge the model afterwards; this opens the sealed test set."),
]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print JSON only: one line an epoch, then the result.")
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
    """Train a classifier and keep it, with everything that made it, in a run folder.

    Training ends on validation images that were set aside from the training images.
    The test set stays sealed unless --judge is given.
    """
    from optotype.training.train import train as run_training

    data = load_source(source, size, on_bad, rehash=rehash, add=add)
    pairs = _pairs(changes or [], seed)
    if freeze and begin is None:
        raise typer.BadParameter("There is nothing to freeze without --from TARGET.", param_hint="--freeze")
    chosen: Recipe | TransferRecipe
    if begin is None:
        chosen = _recipe(data, recipe).override(pairs)
    else:
        chosen = _extended(data, recipe, begin, freeze=freeze).override(pairs)
    screen = console()
    if not json:
        _introduce(screen, data, chosen)
    try:
        with reporting(screen, json=json) as report:
            run = run_training(data, chosen, out=out, threads=threads, report=report)
    except KeyboardInterrupt as interrupt:
        raise StoppedError(str(interrupt)) from None
    conclude(screen, run, judge=judge, json=json)


def _pairs(changes: list[str], seed: int | None) -> dict[str, object]:
    """Read what is to be changed in the recipe."""
    pairs: dict[str, object] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key.strip() and equals):
            raise typer.BadParameter(f"{change!r} is not KEY=VALUE.", param_hint="--set")
        pairs[key.strip()] = value.strip()
    if seed is not None:
        pairs["seed"] = seed
    return pairs


def _recipe(data: "Dataset", name: str | None) -> "Recipe":
    from optotype.recipes.builtin import default_recipe, load_recipe

    return default_recipe(data.name, data.own_images) if name is None else load_recipe(name)


def _extended(data: "Dataset", name: str | None, target: Path, *, freeze: bool) -> "TransferRecipe":
    """Take a model further: by the recipe that is named, or by the model's layers and what else suits the data."""
    from optotype.models.transfer import TransferRecipe
    from optotype.runs.targets import open_target

    model = open_target(target).model
    if name is None:
        return model.transfer(settings=_recipe(data, None), freeze=freeze)
    return TransferRecipe.from_equal_layers(_recipe(data, name), model, freeze=freeze)


def _introduce(screen: "Console", data: "Dataset", chosen: "Recipe | TransferRecipe") -> None:
    """Say what is about to be trained, on what."""
    from optotype.engine.layers import describe
    from optotype.engine.processor import chosen_arithmetic
    from optotype.models.transfer import TransferRecipe
    from optotype.text import printable

    recipe = chosen.recipe if isinstance(chosen, TransferRecipe) else chosen
    isa, precision = chosen_arithmetic(recipe.precision)
    shape = "x".join(map(str, data.shape))
    screen.print(
        f"{data.name}: {len(data.images):,} training images of {shape}, {len(data.class_names)} classes"
    )
    if data.addition is not None:
        classes = len(set(data.labels[data.own_images :].tolist()))
        prose(
            screen,
            f"{count(len(data.addition.files), 'picture')} of {classes:,} {'class' if classes == 1 else 'classes'}"
            f" added from {printable(str(data.options.add))}, to train only",
        )
    if data.skipped:
        first = data.skipped[0]
        prose(
            screen,
            f"left out: {count(len(data.skipped), 'file')}, listed in the run's skipped.json; the first is"
            f" {first.file}, which {first.reason}",
        )
    prose(
        screen,
        f"{recipe.name}: {recipe.optimizer.type}, learning rate {recipe.optimizer.learning_rate:g}"
        f" ({recipe.schedule.type}), batch size {recipe.batch_size}, {count(recipe.epochs, 'epoch')},"
        f" validation {recipe.validation}, seed {recipe.seed}, {precision} on {isa}"
        + (f", augmented: {recipe.augment}" if recipe.augment else ""),
    )
    if isinstance(chosen, TransferRecipe):
        prose(
            screen,
            f"begins from {chosen.model.recipe.name} of {len(chosen.model.class_names)} classes: its first"
            f" {count(chosen.shared_layers, 'layer')}, {'frozen' if chosen.freeze else 'trained on'}",
        )
    screen.print(layers_table(describe(recipe.network_layers(len(data.class_names)), data.shape)))
