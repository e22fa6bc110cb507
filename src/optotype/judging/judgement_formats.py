"""Reading of judgement.json in its current and its older format.

Format 1 had no format number and only accuracy and loss; it is rejected. Format 2 had other names for some fields; it
is read like format 3.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from optotype.errors import RunError
from optotype.judging.judgement import FORMAT, Judgement

_JUDGEMENT: Final = TypeAdapter(Judgement)
_NOT_FIELDS: Final = ("format", "opening", "evidence")

_LABEL_SET_FIELDS: Final = {"asked": "target_coverage", "single": "singleton_rate", "largest": "max_size"}
_NOVELTY_FIELDS: Final = {"asked": "target_rate", "rejected": "rate"}
_DIAGNOSIS_FIELDS: Final = {"said": "message", "grave": "severe"}
_CHANGES: Final = {
    "less contrast": {"change": "lower contrast", "unit": "share of the contrast removed"},
}


def read_judgement(saved: Mapping[str, JsonValue]) -> Judgement:
    """Read the values that ``Judgement.to_json`` wrote, in format 2 or 3.

    Args:
        saved: The JSON values.

    Returns:
        The judgement, without its evidence.

    Raises:
        RunError: If the values are not a judgement, or have another format.
    """
    version = saved.get("format")
    if version == 2:
        saved = from_format_2(saved)
    elif version != FORMAT:
        raise RunError(f"The judgement has format {version}, expected 2 or {FORMAT}. Judge the run again.")
    values = {name: value for name, value in saved.items() if name not in _NOT_FIELDS}
    try:
        judgement = _JUDGEMENT.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise _invalid(field, first["msg"]) from None
    if judgement.splits.get(judgement.on) is None:
        raise _invalid(f"splits.{judgement.on}", "it is missing")
    return judgement


def from_format_2(saved: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the values of format 2 under the names of format 3.

    Args:
        saved: JSON values of format 2. A value of the wrong type is returned unchanged, for validation to reject.
    """
    values = dict(saved)
    if "unfamiliar" in values:
        values["novelty"] = _rename(values.pop("unfamiliar"), _NOVELTY_FIELDS)
    if "label_sets" in values:
        values["label_sets"] = _rename(values["label_sets"], _LABEL_SET_FIELDS)
    diagnoses, curves = values.get("diagnoses"), values.get("robustness")
    if isinstance(diagnoses, list):
        values["diagnoses"] = [_rename(diagnosis, _DIAGNOSIS_FIELDS) for diagnosis in diagnoses]
    if isinstance(curves, list):
        values["robustness"] = [_rename_change(curve) for curve in curves]
    return values


def _rename(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    """Return a JSON object with some of its keys renamed; other values unchanged."""
    if not isinstance(value, dict):
        return value
    return {names.get(key, key): item for key, item in value.items()}


def _rename_change(curve: JsonValue) -> JsonValue:
    """Return a robustness curve with the current name and unit of its change."""
    if not isinstance(curve, dict):
        return curve
    return {**curve, **_CHANGES.get(str(curve.get("change")), {})}


def _invalid(field: str, reason: str) -> RunError:
    return RunError(
        f"The judgement has an invalid {field!r} ({reason}), expected a file that optotype wrote. Judge the run again."
    )
