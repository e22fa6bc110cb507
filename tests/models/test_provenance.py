"""The provenance of a model: typed values, old names, and the refusal of other types."""

import json

import pytest

from optotype.errors import ModelError
from optotype.models.file_upgrade import upgrade_header
from optotype.models.provenance import DataRecord, Environment, Provenance, TransferStart

DATA = DataRecord(
    name="digits",
    source="/data/digits",
    images=30,
    shape=(4, 3, 1),
    fingerprint="sha256:1",
    test_images=3,
    test_fingerprint="sha256:2",
)


def test_round_trip() -> None:
    """A provenance is equal after it was written to JSON and read again; None is not written."""
    start = TransferStart(
        fingerprint="sha256:3", recipe="r", class_names=("a", "b"), shared_layers=2, freeze=True, data=DATA
    )
    provenance = Provenance(
        run="r-1", epoch=3, data=DATA, transfer=start, environment=Environment(isa="avx2", threads=2)
    )
    text = json.dumps(provenance.to_json())
    assert Provenance.from_json(json.loads(text)) == provenance
    assert set(json.loads(text)) == {"run", "epoch", "data", "transfer", "environment"}


def test_unknown_keys_are_kept() -> None:
    """A key of another program is kept with its value."""
    assert Provenance.from_json({"note": ["a", 1]}).to_json() == {"note": ["a", 1]}


def test_updated() -> None:
    """An updated copy has the new values and all others; the original does not change."""
    provenance = Provenance.from_json({"run": "r", "note": 1})
    assert provenance.updated(no_golden="because").to_json() == {
        "run": "r",
        "note": 1,
        "no_golden": "because",
    }
    assert provenance.no_golden is None


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"run": 1}, "run"),
        ({"epoch": "2"}, "epoch"),
        ({"epoch": -1}, "epoch"),
        ({"epoch": True}, "epoch"),
        ({"validation_images": 1.5}, "validation_images"),
        ({"data": {"name": "digits"}}, "data.source"),
        ({"data": {**DATA.model_dump(), "surprise": 1}}, "data.surprise"),
        ({"data": {**DATA.model_dump(), "shape": [4, 3, 0]}}, "data.shape.2"),
        ({"environment": []}, "environment"),
        ({"environment": {"threads": "two"}}, "environment.threads"),
        ({"transfer": {"fingerprint": "sha256:3"}}, "transfer.recipe"),
        ([], "provenance"),
    ],
)
def test_other_types(values: object, key: str) -> None:
    """A value of another type or range raises a ModelError that names the key."""
    with pytest.raises(ModelError, match=f"wrong value for '{key}'"):
        Provenance.from_json(values)


def test_old_names() -> None:
    """Headers of formats 1 and 2 are read with the names of format 3; names of format 3 are not valid in them."""
    old: dict[str, object] = {
        "format": 2,
        "familiarity": {"rejected": 0.01, "rank": 4},
        "provenance": {"watched": 60, "start": {}, "no_familiarity": "because", "run": "r"},
    }
    assert upgrade_header(old) == {
        "format": 2,
        "novelty": {"rate": 0.01, "rank": 4},
        "provenance": {"validation_images": 60, "transfer": {}, "no_novelty": "because", "run": "r"},
    }
    upgraded = upgrade_header({"format": 2, "novelty": {}, "provenance": {}})
    assert isinstance(upgraded, dict)
    assert upgraded["novelty"] is None
    assert "novelty (of format 3)" in upgraded
    new = {"format": 3, "familiarity": {}}
    assert upgrade_header(new) is new
