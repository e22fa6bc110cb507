"""`optotype recipes`: list the built-in recipes, or print one recipe as TOML."""

import json as json_module
from typing import TYPE_CHECKING, Annotated, Final

import typer

from optotype.cli.layers import count_parameters, layers_json, layers_table
from optotype.cli.options import Json
from optotype.cli.terminal import make_console, print_json
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.engine.layers import LayerRow
    from optotype.recipes.recipe import Recipe

_MNIST_SHAPE: Final = (28, 28, 1)
_MNIST_CLASSES: Final = 10


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The built-in recipe or TOML file to show in full."),
    ] = None,
    json: Json = False,
) -> None:
    """List the built-in recipes, or show one in full as TOML.

    To change a recipe, save its TOML to a file, edit it, and pass the file to
    --recipe. Numbers of parameters are for MNIST.
    """
    from optotype.recipes.builtin import BUILTIN, load_recipe

    if name is not None:
        _print_recipe(load_recipe(name), json=json)
    elif json:
        print_json({"recipes": [_as_json(load_recipe(builtin)) for builtin in BUILTIN]})
    else:
        console = make_console()
        for builtin in BUILTIN:
            _print_summary(console, load_recipe(builtin))


def _rows(recipe: "Recipe") -> "tuple[LayerRow, ...]":
    from optotype.engine.layers import describe

    return describe(recipe.network_layers(_MNIST_CLASSES), _MNIST_SHAPE)


def _as_json(recipe: "Recipe") -> dict[str, object]:
    rows = _rows(recipe)
    return {
        "recipe": recipe.model_dump(mode="json"),
        "layers": layers_json(rows),
        "parameters": count_parameters(rows),
    }


def _print_summary(console: "Console", recipe: "Recipe") -> None:
    from optotype.engine.layers import one_line
    from optotype.recipes.builtin import DEFAULTS, FALLBACK

    default_for = ", ".join(data for data, name in DEFAULTS.items() if name == recipe.name)
    if recipe.name == FALLBACK:
        default_for = "all other data sets"
    console.print(f"{recipe.name}{f'  (default for {default_for})' if default_for else ''}", style="bold")
    console.print(f"    {', '.join(one_line(layer) for layer in recipe.layers)}")
    console.print(
        f"    {count_parameters(_rows(recipe)):,} parameters; {recipe.optimizer.type}"
        f" {recipe.optimizer.learning_rate:g}, batch size {recipe.batch_size}, {count(recipe.epochs, 'epoch')}"
    )
    console.print(f"    {recipe.source}")


def _print_recipe(recipe: "Recipe", *, json: bool) -> None:
    if json:
        print_json(_as_json(recipe))
        return
    console = make_console()
    console.print(_to_toml(recipe))
    with console.capture() as captured:
        console.print(layers_table(_rows(recipe)))
    # The table is printed as comments, so that the whole output is a valid recipe file.
    for line in captured.get().splitlines():
        if line.strip():
            console.print(f"# {line.strip()}")


def _to_toml(recipe: "Recipe") -> str:
    """Return a recipe with all its settings as TOML."""
    lines = []
    for key, value in recipe.model_dump(mode="json", exclude_none=True).items():
        if key == "layers":
            layers = "".join(f"    {_toml_value(layer)},\n" for layer in value)
            lines.append(f"layers = [\n{layers}]")
        else:
            lines.append(f"{key} = {_toml_value(value)}")
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    if isinstance(value, dict):
        settings = sorted(value.items(), key=lambda setting: setting[0] != "type")
        return f"{{ {', '.join(f'{key} = {_toml_value(inner)}' for key, inner in settings)} }}"
    # JSON strings, numbers, booleans and lists are valid TOML if characters outside ASCII are not escaped.
    return json_module.dumps(value, ensure_ascii=False)
