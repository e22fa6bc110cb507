"""`optotype info`: the installed version, the instruction sets and the built-in data sets."""

from optotype.cli.options import Json
from optotype.cli.terminal import make_console, print_json


def info(json: Json = False) -> None:
    """Show the version, instruction sets, precisions, threads and data sets."""
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
        "training_precision": training[1],
        "prediction_precision": prediction[1],
        "threads": resolve_threads(),
        "data_sets": [{"name": name, "licence": named.licence} for name, named in CATALOGUE.items()],
    }
    if json:
        print_json(facts)
        return
    console = make_console()
    console.print(f"optotype          {facts['version']}, Python {facts['python']}, {facts['platform']}")
    console.print(f"instruction sets  {', '.join(available_isas())}; selected: {resolve_isa()}")
    console.print(f"precisions        {', '.join(f'{name} on {isa}' for name, isa in precisions.items())}")
    console.print(f"training          {training[1]} by default; recipes set it with 'precision'")
    console.print(f"prediction        {prediction[1]} by default; 'optotype predict --precision' sets it")
    console.print(f"threads           {resolve_threads()}")
    for name, named in CATALOGUE.items():
        console.print(f"data set          {name} ({named.licence})")
