"""A model in lines of text: its layers as a table, what it takes and tells apart, its doubts, and where it is from."""

from typing import TYPE_CHECKING, Final

from optotype.engine.layers import describe, one_line

if TYPE_CHECKING:
    from optotype.models.model import Model

_LONGEST: Final = 100  # characters in a line of facts


def summary(model: "Model") -> str:
    """Give the text of ``Model.summary``; what a file says of itself is shown without characters that move a cursor."""
    height, width, channels = model.input_shape
    facts = {
        "recipe": model.recipe.name,
        "images": f"{height} x {width} x {channels}, fed as {'0 .. 1' if model.pixels == 'unit' else '0 .. 255'}",
        "classes": f"{len(model.class_names)}: {', '.join(model.class_names)}",
        "calibration": _calibration(model),
        "unlike images": _familiarity(model),
        "golden images": "none" if model.golden is None else str(len(model.golden.images)),
        "from": _origin(model),
    }
    return "\n".join([*_table(model), "", *(_fact(name, text) for name, text in facts.items())])


def _table(model: "Model") -> list[str]:
    rows = describe(model.layers, model.input_shape)
    cells = [("layer", "output shape", "parameters")]
    cells += [(one_line(row.layer), " x ".join(map(str, row.output_shape)), f"{row.size:,}") for row in rows]
    total, trainable = (
        sum(row.size for row in rows),
        sum(row.trainable_size for row in rows),
    )
    cells.append(("total", "", f"{total:,}"))
    first, second, third = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [f"{layer:<{first}}  {shape:>{second}}  {size:>{third}}" for layer, shape, size in cells]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, f"{lines[-1]} ({trainable:,} trainable)"]


def _calibration(model: "Model") -> str:
    found = model.calibration
    if found is None:
        return _none(model, "no_calibration")
    return f"temperature {found.temperature:.3f}, from {found.n:,} images"


def _familiarity(model: "Model") -> str:
    found = model.familiarity
    if found is None:
        return _none(model, "no_familiarity")
    return f"told from the training's; {found.rejected:.1%} of the calibration's are rejected too"


def _none(model: "Model", key: str) -> str:
    reason = model.provenance.get(key)
    return "none" if reason is None else f"none: {reason}"


def _origin(model: "Model") -> str:
    told = model.provenance
    if "imported_from" in told:
        return f"the file {told['imported_from']}"
    data = told.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    parts = [
        f"{word} {value}"
        for word, value in (
            ("run", told.get("run")),
            ("on", name),
            ("epoch", told.get("epoch")),
            ("", told.get("created")),
        )
        if value is not None
    ]
    return ", ".join(part.strip() for part in parts) or "not said"


def _fact(name: str, text: str) -> str:
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    line = f"{name + ':':<15}{shown}"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
