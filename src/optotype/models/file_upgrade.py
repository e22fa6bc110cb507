"""Model files of formats 1 and 2: their names of header keys and arrays, translated to those of format 3."""

from typing import Final

_HEADER_KEYS: Final = {"familiarity": "novelty"}
_NOVELTY_KEYS: Final = {"rejected": "rate"}
_PROVENANCE_KEYS: Final = {
    "watched": "validation_images",
    "start": "transfer",
    "no_familiarity": "no_novelty",
}
_ARRAY_PREFIX: Final = "familiarity."
_NEW_ARRAY_PREFIX: Final = "novelty."
# Appended to names of format 3 in an older file, so that validation refuses them.
_MISPLACED: Final = " (of format 3)"


def upgrade_header(values: object) -> object:
    """Return the header of any format with the keys of format 3; values that are not a header are left as they are."""
    if not isinstance(values, dict) or values.get("format") not in (1, 2):
        return values
    header = _renamed(values, _HEADER_KEYS)
    return {
        **header,
        "novelty": _renamed_if_object(header.get("novelty"), _NOVELTY_KEYS),
        "provenance": _renamed_if_object(header.get("provenance"), _PROVENANCE_KEYS),
    }


def upgrade_array_name(name: str, version: int) -> str:
    """Return the name that an array of a file of some format has in format 3."""
    if version >= 3:
        return name
    if name.startswith(_NEW_ARRAY_PREFIX):
        return name + _MISPLACED
    if name.startswith(_ARRAY_PREFIX):
        return _NEW_ARRAY_PREFIX + name.removeprefix(_ARRAY_PREFIX)
    return name


def _renamed_if_object(values: object, names: dict[str, str]) -> object:
    return _renamed(values, names) if isinstance(values, dict) else values


def _renamed(values: dict[str, object], names: dict[str, str]) -> dict[str, object]:
    misplaced = {new_name: new_name + _MISPLACED for new_name in names.values()}
    return {({**misplaced, **names}).get(key, key): value for key, value in values.items()}
