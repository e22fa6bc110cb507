"""The command line of `python -m reproduce`: train and time what is missing in results/, then render."""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

import optotype as ot
from reproduce import backends, cifar, ours, peers, timing
from reproduce.headers import write_headers
from reproduce.lessons import LESSONS, seeds
from reproduce.render import write_page
from reproduce.results import FOLDER, Peer, Results, add_trainings, definition, read


def main() -> None:
    """Run the parts that the arguments select."""
    arguments = _arguments()
    data, recipes = _work(arguments)
    selected = {arguments.only} if arguments.only else {"ours", "keras", "timing"}
    if arguments.cifar:
        selected -= {"timing"}
    if "keras" in selected:
        train_keras(data, recipes, arguments)
    if "ours" in selected:
        train_ours(data, recipes, arguments)
    if "backends" in selected:
        measure_backends(recipes)
    if "timing" in selected:
        measure_seconds(recipes, again=arguments.again)
    write_page()
    write_headers()


def _work(arguments: argparse.Namespace) -> tuple[ot.Dataset, list[ot.Recipe]]:
    """Return the data set and the recipes to train on it."""
    if arguments.cifar:
        return ot.load(arguments.cifar), [cifar.RECIPE]
    return ot.load("mnist"), [ot.load_recipe(name) for name in arguments.recipes]


def train_keras(data: ot.Dataset, recipes: list[ot.Recipe], arguments: argparse.Namespace) -> None:
    """Train every recipe and seed that is missing in results/ with Keras."""
    jobs = []
    for recipe in recipes:
        missing_recipes = missing(recipe, "keras", arguments.seeds)
        if missing_recipes:
            peers.make_environment()
            backend = arguments.backend or backends.fastest(data, recipe)
            jobs += [peers.Job(seeded, backend) for seeded in missing_recipes]
    report(peers.train_all(data, jobs, arguments.workers), len(jobs))


def train_ours(data: ot.Dataset, recipes: list[ot.Recipe], arguments: argparse.Namespace) -> None:
    """Train every recipe, precision and seed that is missing in results/ with optotype."""
    missing_recipes = [
        seeded
        for recipe in recipes
        for precision in ours.precisions()
        for seeded in missing(
            recipe.override({"precision": precision}), ours.PEERS[precision], arguments.seeds
        )
    ]
    report(ours.train_all(data, missing_recipes, arguments.workers), len(missing_recipes))


def measure_backends(recipes: list[ot.Recipe]) -> None:
    """Measure the fastest Keras backend of every recipe that has no measurement yet."""
    peers.make_environment()
    for recipe in recipes:
        print(f"{recipe.name}: Keras is fastest on {backends.fastest(ot.load('mnist'), recipe)}", flush=True)


def measure_seconds(recipes: list[ot.Recipe], *, again: bool) -> None:
    """Time both libraries for every recipe without a timing of its current definition, or for all recipes."""
    peers.make_environment()
    for recipe in recipes:
        known = timing.read_timing(recipe.name)
        if again or known is None or known.definition != definition(recipe):
            result = timing.measure(ot.load("mnist"), recipe)
            print(
                f"{recipe.name}: Keras {result.keras.epochs}, ours {result.optotype.epochs} s/epoch",
                flush=True,
            )


def missing(recipe: ot.Recipe, peer: Peer, n_seeds: int, folder: Path = FOLDER) -> list[ot.Recipe]:
    """Return the recipe once per seed that has no result for its current definition."""
    known = read(recipe.name, peer, folder)
    same = known is not None and known.definition == definition(recipe)
    done = {training.seed for training in known.trainings} if known and same else set()
    return [
        recipe.override({"seed": seed})
        for seed in range(seeds(recipe.name, peer, n_seeds))
        if seed not in done
    ]


def report(finished: Iterable[Results], total: int) -> None:
    """Save every result as it arrives, and print one line about it."""
    start = time.monotonic()
    for number, result in enumerate(finished, 1):
        saved = add_trainings(result)
        training = result.trainings[0]
        print(
            f"[{number}/{total}, {time.monotonic() - start:.0f} s] {result.peer} {result.recipe} seed {training.seed}:"
            f" test accuracy {training.test.accuracy:.4f} after {training.epochs} epochs"
            f" ({len(saved.trainings)} seeds saved)",
            flush=True,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m reproduce",
        description="Train every built-in recipe with optotype and with Keras, time both, and render RESULTS.md."
        " Trainings with a result in results/ are not repeated; delete a file there to repeat its trainings.",
    )
    parser.add_argument("--recipes", nargs="+", choices=LESSONS, default=list(LESSONS), metavar="NAME")
    parser.add_argument(
        "--cifar",
        metavar="FOLDER",
        help="train the lesson's net on CIFAR-10 instead: a folder of image files in train/CLASS and test/CLASS",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=0,
        help="minimum number of trainings per recipe (default: 5 with Keras, 10 with optotype in each precision,"
        " more for recipes whose accuracy varies more)",
    )
    parser.add_argument(
        "--only", choices=("ours", "keras", "backends", "timing", "render"), help="run one part only"
    )
    parser.add_argument("--again", action="store_true", help="repeat timings that exist")
    parser.add_argument(
        "--workers", type=int, default=1, help="parallel trainings, which share the cores (default 1)"
    )
    parser.add_argument("--backend", choices=peers.BACKENDS, help="Keras backend (default: the fastest)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
