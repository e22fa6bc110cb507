"""The model card."""

from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from optotype.data.named.catalogue import CATALOGUE
from optotype.judging.judgement import Judgement
from optotype.models.model import Model
from optotype.reporting.model_card import HUB_IDS, render_card
from tests.judging.samples import complete, judged


def _head(card: str) -> dict[str, Any]:
    start, head, _ = card.split("---\n", 2)
    assert start == ""
    read: dict[str, Any] = yaml.safe_load(head)
    return read


def _trained_on(source: str) -> tuple[Judgement, Model]:
    judgement, model = judged()
    data = model.provenance.data
    assert data is not None
    provenance = model.provenance.updated(data={**data.model_dump(), "source": source})
    return judgement, replace(model, provenance=provenance)


def test_hubs_can_read_the_head() -> None:
    """YAML gives what hubs ask for: task, data set, split, and the accuracy as a number."""
    judgement, model = judged()
    head = _head(render_card(judgement, model))
    assert head["pipeline_tag"] == "image-classification"
    assert head["library_name"] == "optotype"
    assert head["metrics"] == ["accuracy", "f1"]
    assert "datasets" not in head
    (entry,) = head["model-index"]
    (result,) = entry["results"]
    assert result["task"]["type"] == "image-classification"
    assert result["dataset"] == {"type": "class data", "name": "class data", "split": "test"}
    accuracy = result["metrics"][0]
    assert (accuracy["type"], accuracy["value"]) == ("accuracy", round(judgement.score.accuracy.value, 4))


def test_known_data_come_with_licence_and_citation() -> None:
    """A named data set is called as on the hub, with its licence and citation; nothing is made up for another."""
    card = render_card(*_trained_on("fashion-mnist"))
    assert _head(card)["datasets"] == ["zalando-datasets/fashion_mnist"]
    assert "Licence: MIT, Zalando SE" in card
    assert "Citation: H. Xiao" in card
    other = render_card(*_trained_on("/home/somebody/pictures"))
    assert "Licence: not stated" in other
    assert "somebody" not in other
    assert set(HUB_IDS) <= set(CATALOGUE)


def test_all_that_was_found_is_in_the_card() -> None:
    """Calibration, label sets, rejection, baselines, notes and diagnoses are said; a bare judgement says less."""
    judgement, model = judged()
    card = render_card(complete(judgement), model)
    for words in (
        "temperature of 1.250",
        "Label sets",
        "rejects 1.00",
        "some text majority",
        "some text is a note",
    ):
        assert words in card
    bare = render_card(judgement, model)
    assert "This was not checked." in bare
    assert "None was found." in bare


@settings(max_examples=50)
@given(st.text(max_size=30))
def test_no_text_breaks_the_card(text: str) -> None:
    """Whatever a name holds, YAML reads it as one string, and no line of the body begins another way for it."""
    judgement, model = _JUDGED
    card = render_card(replace(judgement, target=text, notes=(text,)), model)
    assert isinstance(_head(card)["model-index"][0]["name"], str)
    usual = render_card(replace(judgement, target="x", notes=("x",)), model)
    assert [line[:2] for line in card.split("\\n")] == [line[:2] for line in usual.split("\\n")]
    assert "<" not in card.partition("\\n# ")[2]


_JUDGED = judged()
