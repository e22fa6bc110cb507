"""The result of a training: accuracy with its 95 % interval, and the paths of the run and the model."""

import shlex
from typing import TYPE_CHECKING

from optotype.cli.judge import judge_with_status, report_with_status
from optotype.cli.print_judgement import print_judgement
from optotype.cli.terminal import print_json, print_text

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.judging.judgement import Judgement
    from optotype.runs.run import Run


def print_result(console: "Console", run: "Run", *, judge: bool, json: bool) -> None:
    """Print the result of a training, after judging the run if requested.

    Args:
        console: Where to print text.
        run: The finished run.
        judge: Whether to judge the run, which opens the test set.
        json: Whether to print a JSON object instead of text.
    """
    judgement = judge_with_status(console, run, quiet=json) if judge else None
    report = None
    if judgement is not None:
        report = report_with_status(console, run, judgement, run.path, quiet=json)
    if json:
        print_json(_as_json(run, judgement))
        return
    if run.reason:
        console.print(f"stopped early: {run.reason}")
    if (choice := run.augment_choice) is not None:
        console.print(
            f"selected augmentation: {choice.get('chosen') or 'none'}; augment.json has the reasons"
        )
    if judgement is None:
        console.print(_format_accuracy(run), style="bold")
        _print_missing_uncertainty(console, run)
    else:
        print_judgement(console, judgement)
    console.print(f"run    {run.path}")
    console.print(f"model  {run.model_path}")
    if report is not None:
        console.print(f"report {report}")
    if judgement is None:
        console.print(
            f"The test set is still sealed. To judge the model:  optotype judge {shlex.quote(str(run.path))}"
        )


def _print_missing_uncertainty(console: "Console", run: "Run") -> None:
    """Print why the model lacks calibration or novelty detection."""
    provenance = run.model.provenance
    for reason, name in (
        (provenance.no_calibration, "no calibration"),
        (provenance.no_novelty, "no novelty detection"),
    ):
        if reason is not None:
            print_text(console, f"{name}: {reason}")


def _format_accuracy(run: "Run") -> str:
    validation = _validation(run)
    if validation is not None:
        interval = f"[{validation['low']:.4f}, {validation['high']:.4f}]"
        return f"validation accuracy {validation['accuracy']:.4f} {interval}, n = {validation['n']:,}, 95 % interval"
    last = run.epochs[-1]
    return f"training accuracy {last.accuracy:.4f}, measured during training; there are no validation images"


def _model_epoch(run: "Run") -> int:
    """Return the epoch after which the model's weights were saved."""
    return run.model.provenance.epoch or len(run.epochs)


def _validation(run: "Run") -> dict[str, float] | None:
    """Return the saved model's scores on the validation images; None if there are no such images."""
    from optotype.metrics import wilson_interval

    epoch = run.epochs[_model_epoch(run) - 1]
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
        "model_epoch": _model_epoch(run),
        "parameters": sum(weight.size for weight in run.model.weights.values()),
        "validation": _validation(run),
        "temperature": None if run.model.calibration is None else run.model.calibration.temperature,
        "judgement": None if judgement is None else judgement.to_json(),
    }
