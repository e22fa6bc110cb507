"""Small artificial results."""

from collections.abc import Sequence

import optotype as ot
from reproduce.results import Peer, Results, Score, Training, definition


def training(seed: int, test: float, losses: Sequence[float] = ()) -> Training:
    """Create a training with a given accuracy; it has validation scores if there are validation losses."""
    history = {"loss": (0.5,), "accuracy": (0.125,)} | ({"val_loss": tuple(losses)} if losses else {})
    validation = Score(n=100, loss=min(losses), accuracy=test) if losses else None
    return Training(
        seed=seed,
        epochs=len(losses) or 1,
        history=history,
        train=Score(n=1000, loss=0.1, accuracy=test),
        validation=validation,
        test=Score(n=100, loss=0.1, accuracy=test),
    )


def results(recipe: str, peer: Peer, trainings: Sequence[Training]) -> Results:
    """Create the results of a built-in recipe."""
    return Results(
        recipe=recipe,
        peer=peer,
        definition=definition(ot.load_recipe(recipe)),
        split="sha256:0",
        backend="jax" if peer == "keras" else "avx512",
        versions={"python": "3.11.7"},
        trainings=tuple(trainings),
    )
