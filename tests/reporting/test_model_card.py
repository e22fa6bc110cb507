"""The model card."""

import re
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from optotype.data.named.catalogue import CATALOGUE
from optotype.judging.judgement import Judgement
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.reporting.model_card import HUB_IDS, render_card
from optotype.runs.run import MODEL_FILE
from tests.judging.samples import complete, judged


def _head(card: str) -> dict[str, Any]:
    start, head, _ = card.split("---\n", 2)
    assert start == ""
    values: dict[str, Any] = yaml.safe_load(head)
    return values


def _trained_on(source: str) -> tuple[Judgement, Model]:
    judgement, model = judged()
    data = model.provenance.data
    assert data is not None
    provenance = model.provenance.updated(data={**data.model_dump(), "source": source})
    return judgement, replace(model, provenance=provenance)


def test_hubs_can_read_the_head() -> None:
    """The YAML head has what hubs read: task, data set, split, and the accuracy as a number."""
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


def test_known_data_sets_have_licence_and_citation() -> None:
    """A data set known by name has its hub name, licence and citation; for another nothing is invented."""
    card = render_card(*_trained_on("fashion-mnist"))
    assert _head(card)["datasets"] == ["zalando-datasets/fashion_mnist"]
    assert "Licence: MIT, Zalando SE" in card
    assert "Citation: H. Xiao" in card
    other = render_card(*_trained_on("/home/somebody/pictures"))
    assert "Licence: not stated" in other
    assert "somebody" not in other
    assert set(HUB_IDS) <= set(CATALOGUE)


def test_every_result_is_in_the_card() -> None:
    """Calibration, label sets, novelty, baselines, notes and diagnoses are in the card; a bare judgement has fewer."""
    judgement, model = judged()
    card = render_card(complete(judgement), model)
    for text in (
        "temperature of 1.250",
        "Label sets contain the true class for 97.00",
        "rejects 2.00",
        "rejects 1.00",
        "some text majority",
        "some text is a note",
    ):
        assert text in card
    bare = render_card(judgement, model)
    assert "Uncertainty was not checked." in bare
    assert "No caveat was found." in bare


def test_a_model_without_a_record_has_a_card() -> None:
    """A model without provenance says that it has no record of its training data."""
    judgement, model = judged()
    assert "does not contain a record" in render_card(judgement, replace(model, provenance=Provenance()))


def test_the_code_loads_the_model_file() -> None:
    """The example code uses the name of the model file in a run folder."""
    assert f'ot.Model.load("{MODEL_FILE}")' in render_card(*judged())


def test_the_markdown_is_tidy() -> None:
    """Blocks are separated by one empty line, lines have no trailing spaces, and the file ends with one newline."""
    judgement, model = judged()
    for card in (render_card(judgement, model), render_card(complete(judgement), model)):
        assert "\n\n\n" not in card
        assert not re.search(r"[ \t]$", card, re.MULTILINE)
        assert card.endswith("```\n")
        assert all(
            f"\n\n{heading}\n\n" in card for heading in re.findall(r"^##? .*$", card, re.MULTILINE)[1:]
        )


@settings(max_examples=50)
@given(st.text(max_size=30))
def test_no_text_breaks_the_card(text: str) -> None:
    """YAML reads any name as one string, and no line of the body starts differently because of it."""
    judgement, model = _JUDGED
    card = render_card(replace(judgement, target=text, notes=(text,)), model)
    assert isinstance(_head(card)["model-index"][0]["name"], str)
    usual = render_card(replace(judgement, target="x", notes=("x",)), model)
    assert [line[:2] for line in card.split("\\n")] == [line[:2] for line in usual.split("\\n")]
    assert "<" not in card.partition("\\n# ")[2]


_JUDGED = judged()
