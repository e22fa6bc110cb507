"""`optotype recipes`: the built-in experiments, and any one recipe in full."""

import json as json_module
from typing import TYPE_CHECKING, Annotated, Final

import typer

from optotype.cli.layers import layers_json, layers_table, total
from optotype.cli.terminal import console, print_json
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.engine.layers import LayerRow
    from optotype.recipes.recipe import Recipe

_MNIST: Final = ((28, 28, 1), 10)


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A built-in recipe, or a TOML file, to show in full."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """List the built-in recipes, or show one in full.

    What is shown in full is a TOML file: save it, change it, and give it to --recipe.
    Parameters are counted for MNIST.
    """
    from optotype.recipes.builtin import BUILTIN, load_recipe

    if name is not None:
        _show(load_recipe(name), json=json)
    elif json:
        print_json({"recipes": [_as_json(load_recipe(each)) for each in BUILTIN]})
    else:
        screen = console()
        for each in BUILTIN:
            _summarize(screen, load_recipe(each))


def _rows(recipe: "Recipe") -> "tuple[LayerRow, ...]":
    from optotype.engine.layers import describe

    shape, classes = _MNIST
    return describe(recipe.network_layers(classes), shape)


def _as_json(recipe: "Recipe") -> dict[str, object]:
    rows = _rows(recipe)
    return {"recipe": recipe.model_dump(mode="json"), "layers": layers_json(rows), "parameters": total(rows)}


def _summarize(screen: "Console", recipe: "Recipe") -> None:
    from optotype.engine.layers import one_line
    from optotype.recipes.builtin import DEFAULTS, FALLBACK

    default = ", ".join(data for data, name in DEFAULTS.items() if name == recipe.name)
    if recipe.name == FALLBACK:
        default = "every other data set"
    screen.print(f"{recipe.name}{f'  (the default for {default})' if default else ''}", style="bold")
    screen.print(f"    {', '.join(one_line(layer) for layer in recipe.layers)}")
    screen.print(
        f"    {total(_rows(recipe)):,} parameters; {recipe.optimizer.type}"
        f" {recipe.optimizer.learning_rate:g}, batch {recipe.batch_size}, {count(recipe.epochs, 'epoch')}"
    )
    screen.print(f"    {recipe.source}")


def _show(recipe: "Recipe", *, json: bool) -> None:
    if json:
        print_json(_as_json(recipe))
        return
    screen = console()
    screen.print(_toml(recipe))
    with screen.capture() as captured:
        screen.print(layers_table(_rows(recipe)))
    # As comments, so that the whole output is a recipe file.
    for line in captured.get().splitlines():
        if line.strip():
            screen.print(f"# {line.strip()}")


def _toml(recipe: "Recipe") -> str:
    """Write a recipe as TOML, every setting included."""
    lines = []
    for key, value in recipe.model_dump(mode="json", exclude_none=True).items():
        if key == "layers":
            layers = "".join(f"    {_value(layer)},\n" for layer in value)
            lines.append(f"layers = [\n{layers}]")
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda item: item[0] != "type")
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in ordered)} }}"
    # JSON's strings, numbers, booleans and lists are TOML's, as long as nothing outside ASCII is escaped.
    return json_module.dumps(value, ensure_ascii=False)
