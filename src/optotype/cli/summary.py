"""What a training ends by saying: the accuracy with its 95 % interval, and where the run and the model lie."""

import shlex
from typing import TYPE_CHECKING

from optotype.cli.judge import judged, reported
from optotype.cli.print_judgement import print_judgement
from optotype.cli.terminal import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.judging.judgement import Judgement
    from optotype.runs.run import Run


def conclude(screen: "Console", run: "Run", *, judge: bool, json: bool) -> None:
    """Say how a training ended, judging it where that was asked for.

    Args:
        screen: Where people read.
        run: The finished run.
        judge: Whether to open the test set.
        json: Whether to print a JSON object instead.
    """
    judgement = judged(screen, run, quiet=json) if judge else None
    page = None if judgement is None else reported(screen, run, judgement, run.path, quiet=json)
    if json:
        print_json(_as_json(run, judgement))
        return
    if run.reason:
        screen.print(f"stopped early: {run.reason}")
    if (choice := run.augment_choice) is not None:
        screen.print(f"augmentation chosen: {choice.get('chosen') or 'none'}; augment.json says why")
    if judgement is None:
        screen.print(_ending(run), style="bold")
        _print_limits(screen, run)
    else:
        print_judgement(screen, judgement)
    screen.print(f"run    {run.path}")
    screen.print(f"model  {run.model_path}")
    if page is not None:
        screen.print(f"report {page}")
    if judgement is None:
        screen.print(f"The test set is still sealed; to judge:  optotype judge {shlex.quote(str(run.path))}")


def _print_limits(screen: "Console", run: "Run") -> None:
    """Say what the model cannot tell of its own answers."""
    provenance = run.model.provenance
    for reason, part in (
        (provenance.no_calibration, "no calibration"),
        (provenance.no_novelty, "no novelty detection"),
    ):
        if reason is not None:
            screen.print(f"{part}: {reason}")


def _ending(run: "Run") -> str:
    scored = _validation(run)
    if scored is not None:
        interval = f"[{scored['low']:.4f}, {scored['high']:.4f}]"
        return f"validation accuracy {scored['accuracy']:.4f} {interval}, n = {scored['n']:,}, 95 % interval"
    last = run.epochs[-1]
    return f"training accuracy {last.accuracy:.4f}, measured while learning; no validation images"


def _kept_epoch(run: "Run") -> int:
    """Say after which epoch the model's weights were taken."""
    return run.model.provenance.epoch or len(run.epochs)


def _validation(run: "Run") -> dict[str, float] | None:
    """Score the kept model on the validation images; None without any."""
    from optotype.metrics import wilson_interval

    epoch = run.epochs[_kept_epoch(run) - 1]
    if epoch.val_loss is None or epoch.val_accuracy is None:
        return None
    n = run.model.provenance.validation_images or len(run.split.validation)
    low, high = wilson_interval(round(epoch.val_accuracy * n), n)
    return {"n": n, "loss": epoch.val_loss, "accuracy": epoch.val_accuracy, "low": low, "high": high}


def _as_json(run: "Run", judgement: "Judgement | None") -> dict[str, object]:
    return {
        "event": "finished",
        "run": str(run.path),
        "model": str(run.model_path),
        "recipe": run.recipe.name,
        "seed": run.recipe.seed,
        "precision": run.environment.precision,
        "instruction_set": run.environment.isa,
        "epochs": len(run.epochs),
        "kept_epoch": _kept_epoch(run),
        "parameters": sum(weight.size for weight in run.model.weights.values()),
        "validation": _validation(run),
        "temperature": None if run.model.calibration is None else run.model.calibration.temperature,
        "judgement": None if judgement is None else judgement.to_json(),
    }
