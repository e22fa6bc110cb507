"""The whole command in this process: exit codes, errors as text or JSON, and the small verbs."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from optotype.engine.processor import available_isas
from optotype.recipes.builtin import BUILTIN, load_recipe
from optotype.recipes.recipe import Recipe
from tests.cli.conftest import Command

VERBS = ("data", "train", "judge", "compare", "runs", "predict", "serve", "export", "recipes", "info")


def test_every_verb_has_help(command: Command) -> None:
    """--help and -h exit with 0 and describe the verb; without arguments the help is shown too."""
    for verb in VERBS:
        assert verb in command("--help").out
        result = command(verb, "-h")
        assert result.code == 0
        assert "--json" in result.out
    without_arguments = command()
    assert without_arguments.code == 2
    assert "Commands" in without_arguments.out + without_arguments.err


@pytest.mark.parametrize(
    ("arguments", "text"),
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
        (["export", "run", "--format", "onix"], "'onix'"),
    ],
)
def test_invalid_command_exits_with_2(command: Command, arguments: list[str], text: str) -> None:
    """The message names the wrong argument and the help; with --json it is an object on standard output."""
    result = command(*arguments)
    assert (result.code, result.out) == (2, "")
    assert text in result.err
    assert "--help" in result.err
    as_json = command(*arguments, "--json")
    assert (as_json.code, as_json.err) == (2, "")
    assert json.loads(as_json.out)["error"]["type"] == "UsageError"


def test_error_is_one_message_or_one_object(command: Command) -> None:
    """A problem with the input exits with 1: a message on standard error, or JSON on standard output."""
    result = command("recipes", "cnn-smal")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Error: ")
    assert "'cnn-smal'" in result.err
    assert "Did you mean 'cnn-small'?" in result.err
    assert result.err.count("\n") == 1
    as_json = command("recipes", "cnn-smal", "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert json.loads(as_json.out)["error"]["type"] == "RecipeError"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, "Interrupted: Stopped by Ctrl-C"),
        (OSError(28, "No space left on device"), 1, "No space left"),
    ],
)
def test_system_errors_are_messages(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, text: str
) -> None:
    """Ctrl-C, a full disk and exhausted memory exit with their code and without a traceback."""

    def fail(_name: str) -> Recipe:
        raise error

    monkeypatch.setattr("optotype.recipes.builtin.load_recipe", fail)
    result = command("recipes", "mnist-quick")
    assert result.code == code
    assert text in result.err
    assert "Traceback" not in result.err


def test_every_recipe_is_listed(command: Command) -> None:
    """The list has every built-in recipe with its layers, number of parameters for MNIST and source."""
    result = command("recipes")
    for name in BUILTIN:
        assert f"\n{name}" in f"\n{result.out}"
        assert load_recipe(name).source in result.out
    assert "mnist-quick  (default for mnist)" in result.out
    assert "Conv2D 32 5x5 relu, MaxPooling2D 2x2, Dropout 0.2, Flatten, Dense 128 relu" in result.out
    assert "592,074 parameters" in result.out
    recipes = json.loads(command("recipes", "--json").out)["recipes"]
    assert [entry["recipe"]["name"] for entry in recipes] == list(BUILTIN)
    assert recipes[0]["parameters"] == 669_706


@pytest.mark.parametrize("name", BUILTIN)
def test_printed_recipe_is_a_recipe_file(command: Command, name: str) -> None:
    """`recipes NAME` prints TOML from which the same recipe is loaded."""
    output = command("recipes", name).out
    assert Recipe.model_validate(tomllib.loads(output)) == load_recipe(name)
    assert "total (trainable)" in output
    as_json = json.loads(command("recipes", name, "--json").out)
    assert Recipe.model_validate(as_json["recipe"]) == load_recipe(name)


def test_special_characters_survive_in_toml(command: Command, tmp_path: Path) -> None:
    """Quotes, backslashes, brackets and other scripts in a recipe's texts are preserved."""
    text = 'a "b" \\ [bold] 手 ζ'
    path = tmp_path / "odd.toml"
    path.write_text(f"source = {json.dumps(text, ensure_ascii=False)}\nlayers = [{{type = 'Flatten'}}]\n")
    recipe = load_recipe(path)
    assert Recipe.model_validate(tomllib.loads(command("recipes", str(path)).out)) == recipe


def test_info_lists_the_installation(command: Command) -> None:
    """Version, Python, instruction sets, threads and built-in data sets are listed, for people and programs."""
    facts: dict[str, Any] = json.loads(command("info", "--json").out)
    assert facts["instruction_sets"] == list(available_isas())
    assert facts["instruction_set"] in facts["instruction_sets"]
    assert facts["prediction_precision"] == "fp32"
    assert set(facts["precisions"]) == {"fp32", facts["training_precision"]}
    assert facts["precisions"][facts["training_precision"]] == facts["instruction_set"]
    assert facts["threads"] >= 1
    assert facts["data_sets"][0]["name"] == "mnist"
    output = command("info").out
    assert facts["version"] in output
    assert "mnist (CC BY-SA 3.0" in output


def test_info_lists_the_instruction_set_of_each_precision(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With AMX, training uses bf16 and everything else AVX-512; with a lower instruction set everything is fp32."""
    monkeypatch.setattr("optotype.engine._core.available_isas", lambda: ["portable", "avx2", "avx512", "amx"])
    monkeypatch.delenv("OPTOTYPE_ISA", raising=False)
    output = command("info").out
    assert "portable, avx2, avx512, amx; selected: amx" in output
    assert "fp32 on avx512, bf16 on amx" in output
    assert "training          bf16 by default" in output
    monkeypatch.setenv("OPTOTYPE_ISA", "avx2")
    facts = json.loads(command("info", "--json").out)
    assert (facts["precisions"], facts["training_precision"]) == ({"fp32": "avx2"}, "fp32")


def test_version_is_printed(command: Command) -> None:
    """--version prints only name and version."""
    result = command("--version")
    assert result.code == 0
    assert result.out.startswith("optotype ")
    assert result.out.count("\n") == 1
