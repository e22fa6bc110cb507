"""The command as a whole, in this process: exit codes, errors as sentences or JSON, and the small verbs."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from optotype.engine.processor import available_isas
from optotype.recipes.builtin import BUILTIN, load_recipe
from optotype.recipes.recipe import Recipe
from tests.cli.conftest import Command


def test_help_is_shown_for_every_verb(command: Command) -> None:
    """--help and -h exit with 0 and say what a verb does; no argument at all shows the help too."""
    for verb in ("data", "train", "judge", "compare", "runs", "predict", "recipes", "info"):
        assert verb in command("--help").out
        shown = command(verb, "-h")
        assert shown.code == 0
        assert "--json" in shown.out
    bare = command()
    assert bare.code == 2
    assert "Commands" in bare.out + bare.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trane"], "train"),
        (["train"], "SOURCE"),
        (["train", "mnist", "--epochs", "3"], "--epochs"),
        (["train", "mnist", "--set", "epochs"], "'epochs' is not KEY=VALUE"),
        (["train", "mnist", "--set", "=3"], "'=3' is not KEY=VALUE"),
        (["train", "mnist", "--threads", "0"], "--threads"),
        (["train", "mnist", "--seed", "one"], "--seed"),
        (["predict", "run"], "IMAGE"),
        (["predict", "run", "a.png", "--top", "0"], "--top"),
    ],
)
def test_a_command_that_is_not_understood_exits_with_2(
    command: Command, arguments: list[str], said: str
) -> None:
    """The message names what is wrong and where help is; with --json it is an object on the standard output."""
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "--help" in done.err
    as_json = command(*arguments, "--json")
    assert (as_json.code, as_json.err) == (2, "")
    assert json.loads(as_json.out)["error"]["type"] == "UsageError"


def test_an_error_is_one_message_or_one_object(command: Command) -> None:
    """A problem with what was given exits with 1, on the standard error, or as JSON on the standard output."""
    done = command("recipes", "cnn-smal")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: Unknown recipe 'cnn-smal'. Did you mean 'cnn-small'?")
    assert done.err.count("\n") == 1
    as_json = command("recipes", "cnn-smal", "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert json.loads(as_json.out)["error"]["type"] == "RecipeError"


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, "Interrupted: Stopped by Ctrl-C"),
        (OSError(28, "No space left on device"), 1, "No space left"),
    ],
)
def test_what_the_system_raises_is_a_sentence_too(
    command: Command, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, said: str
) -> None:
    """Ctrl-C, a full disk and a full memory end with their exit code and without a traceback."""

    def fail(_name: str) -> Recipe:
        raise raised

    monkeypatch.setattr("optotype.recipes.builtin.load_recipe", fail)
    done = command("recipes", "mnist-quick")
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err


def test_every_recipe_is_listed(command: Command) -> None:
    """The list has each built-in recipe with its layers, parameters on MNIST and source."""
    done = command("recipes")
    for name in BUILTIN:
        assert f"\n{name}" in f"\n{done.out}"
        assert load_recipe(name).source in done.out
    assert "mnist-quick  (the default for mnist)" in done.out
    assert "Conv2D 32 5x5 relu, MaxPooling2D 2x2, Dropout 0.2, Flatten, Dense 128 relu" in done.out
    assert "592,074 parameters" in done.out
    listed = json.loads(command("recipes", "--json").out)["recipes"]
    assert [each["recipe"]["name"] for each in listed] == list(BUILTIN)
    assert listed[0]["parameters"] == 669_706


@pytest.mark.parametrize("name", BUILTIN)
def test_a_recipe_in_full_is_a_recipe_file(command: Command, name: str) -> None:
    """What `recipes NAME` prints is TOML that gives the same recipe."""
    shown = command("recipes", name).out
    assert Recipe.model_validate(tomllib.loads(shown)) == load_recipe(name)
    assert "total (trainable)" in shown
    as_json = json.loads(command("recipes", name, "--json").out)
    assert Recipe.model_validate(as_json["recipe"]) == load_recipe(name)


def test_a_recipe_file_with_odd_text_is_shown_as_toml(command: Command, tmp_path: Path) -> None:
    """Quotes, backslashes, brackets and other scripts in a recipe's texts survive."""
    text = 'a "b" \\ [bold] 手 ζ'
    path = tmp_path / "odd.toml"
    path.write_text(f"source = {json.dumps(text, ensure_ascii=False)}\nlayers = [{{type = 'Flatten'}}]\n")
    recipe = load_recipe(path)
    assert Recipe.model_validate(tomllib.loads(command("recipes", str(path)).out)) == recipe


def test_info_says_what_is_here(command: Command) -> None:
    """Version, Python, instruction sets, threads and the shipped data are named, for people and programs."""
    facts: dict[str, Any] = json.loads(command("info", "--json").out)
    assert facts["instruction_sets"] == list(available_isas())
    assert facts["instruction_set"] in facts["instruction_sets"]
    assert (facts["prediction"], set(facts["precisions"])) == ("fp32", {"fp32", facts["training"]})
    assert facts["precisions"][facts["training"]] == facts["instruction_set"]
    assert facts["threads"] >= 1
    assert facts["data"][0]["name"] == "mnist"
    shown = command("info").out
    assert facts["version"] in shown
    assert "mnist (CC BY-SA 3.0" in shown


def test_info_tells_which_precision_runs_on_what(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where AMX is chosen training is in bf16 and all else on AVX-512; a lower choice means fp32 on that throughout."""
    monkeypatch.setattr("optotype.engine._core.available_isas", lambda: ["portable", "avx2", "avx512", "amx"])
    monkeypatch.delenv("OPTOTYPE_ISA", raising=False)
    shown = command("info").out
    assert "portable, avx2, avx512, amx; chosen: amx" in shown
    assert "fp32 on avx512, bf16 on amx" in shown
    assert "bf16, unless a recipe says otherwise" in shown
    monkeypatch.setenv("OPTOTYPE_ISA", "avx2")
    facts = json.loads(command("info", "--json").out)
    assert (facts["precisions"], facts["training"]) == ({"fp32": "avx2"}, "fp32")


def test_the_version_is_said(command: Command) -> None:
    """--version prints name and version and nothing else."""
    done = command("--version")
    assert done.code == 0
    assert done.out.startswith("optotype ")
