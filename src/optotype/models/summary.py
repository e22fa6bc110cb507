"""A model's summary as text: a table of its layers, its input, classes, uncertainty and provenance."""

from typing import TYPE_CHECKING, Final

from optotype.engine.layers import describe, one_line

if TYPE_CHECKING:
    from optotype.models.model import Model

_MAX_LINE: Final = 100  # characters in a line of facts


def summary(model: "Model") -> str:
    """Return the text of ``Model.summary``; control characters from the file are replaced."""
    height, width, channels = model.input_shape
    pixel_range = "0 .. 1" if model.pixels == "unit" else "0 .. 255"
    facts = {
        "recipe": model.recipe.name,
        "images": f"{height} x {width} x {channels}, pixels scaled to {pixel_range}",
        "classes": f"{len(model.class_names)}: {', '.join(model.class_names)}",
        "calibration": _calibration(model),
        "novelty": _novelty(model),
        "golden images": "none" if model.golden is None else str(len(model.golden.images)),
        "provenance": _origin(model),
    }
    return "\n".join([*_layer_table(model), "", *(_fact_line(name, text) for name, text in facts.items())])


def _layer_table(model: "Model") -> list[str]:
    rows = describe(model.layers, model.input_shape)
    cells = [("layer", "output shape", "parameters")]
    cells += [(one_line(row.layer), " x ".join(map(str, row.output_shape)), f"{row.size:,}") for row in rows]
    total = sum(row.size for row in rows)
    trainable = sum(row.trainable_size for row in rows)
    cells.append(("total", "", f"{total:,}"))
    layer_width, shape_width, size_width = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [
        f"{layer:<{layer_width}}  {shape:>{shape_width}}  {size:>{size_width}}"
        for layer, shape, size in cells
    ]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, f"{lines[-1]} ({trainable:,} trainable)"]


def _calibration(model: "Model") -> str:
    calibration = model.calibration
    if calibration is None:
        return _missing(model.provenance.no_calibration)
    return f"temperature {calibration.temperature:.3f}, fitted on {calibration.n:,} images"


def _novelty(model: "Model") -> str:
    novelty = model.novelty
    if novelty is None:
        return _missing(model.provenance.no_novelty)
    return f"detected above distance {novelty.threshold:.3f}, which {novelty.rate:.1%} of calibration images exceed"


def _missing(reason: str | None) -> str:
    return "none" if reason is None else f"none: {reason}"


def _origin(model: "Model") -> str:
    provenance = model.provenance
    if provenance.imported_from is not None:
        return f"imported from {provenance.imported_from}"
    parts = (
        ("run", provenance.run),
        ("data", None if provenance.data is None else provenance.data.name),
        ("epoch", provenance.epoch),
        ("started", provenance.created),
    )
    return ", ".join(f"{word} {value}" for word, value in parts if value is not None) or "unknown"


def _fact_line(name: str, text: str) -> str:
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    line = f"{name + ':':<15}{printable}"
    return line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 3]}..."
