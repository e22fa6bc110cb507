"""`optotype info`: what is installed here, and what it will run on."""

import platform
from importlib.metadata import version
from typing import Annotated

import typer

from optotype.cli.terminal import console, print_json


def info(
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Show the version, the processor's instruction sets, the threads and the data sets that come along."""
    from optotype.data.sources import SHIPPED
    from optotype.engine.processor import available_isas, chosen_isa, chosen_threads

    facts = {
        "version": version("optotype"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "instruction_sets": list(available_isas()),
        "instruction_set": chosen_isa(),
        "threads": chosen_threads(),
        "data": [{"name": name, "licence": shipped.licence} for name, shipped in SHIPPED.items()],
    }
    if json:
        print_json(facts)
        return
    screen = console()
    screen.print(f"optotype          {facts['version']}, Python {facts['python']}, {facts['platform']}")
    screen.print(f"instruction sets  {', '.join(available_isas())}; using {chosen_isa()}")
    screen.print(f"threads           {chosen_threads()}")
    for name, shipped in SHIPPED.items():
        screen.print(f"data set          {name} ({shipped.licence})")
