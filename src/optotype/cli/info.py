"""`optotype info`: what is installed here, and what it will run on."""

from typing import Annotated

import typer

from optotype.cli.terminal import console, print_json


def info(
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Show the version, the instruction sets and what they are used for, the threads and the data sets."""
    import platform
    from importlib.metadata import version

    from optotype.data.named.catalogue import CATALOGUE
    from optotype.engine.processor import available_isas, resolve_isa, resolve_precision, resolve_threads

    training, prediction = resolve_precision("auto"), resolve_precision("fp32")
    precisions = {precision: isa for isa, precision in (prediction, training)}
    facts = {
        "version": version("optotype"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "instruction_sets": list(available_isas()),
        "instruction_set": resolve_isa(),
        "precisions": precisions,
        "training": training[1],
        "prediction": prediction[1],
        "threads": resolve_threads(),
        "data": [{"name": name, "licence": named.licence} for name, named in CATALOGUE.items()],
    }
    if json:
        print_json(facts)
        return
    screen = console()
    screen.print(f"optotype          {facts['version']}, Python {facts['python']}, {facts['platform']}")
    screen.print(f"instruction sets  {', '.join(available_isas())}; chosen: {resolve_isa()}")
    screen.print(f"precisions        {', '.join(f'{name} on {isa}' for name, isa in precisions.items())}")
    screen.print(f"training          {training[1]}, unless a recipe says otherwise")
    screen.print(f"prediction        {prediction[1]}, unless asked otherwise")
    screen.print(f"threads           {resolve_threads()}")
    for name, named in CATALOGUE.items():
        screen.print(f"data set          {name} ({named.licence})")
