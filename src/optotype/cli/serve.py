"""`optotype serve`: a model as a service, and a page where one draws."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.terminal import console, print_json, prose

if TYPE_CHECKING:
    from optotype.web.service import Service

Target = Annotated[Path, typer.Argument(metavar="TARGET", help="A run folder or a model file.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0 takes any free one.")]
Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="The address to listen on; other machines can ask where it is not of this one alone.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        envvar="OPTOTYPE_TOKEN",
        help="What every request must bring, as 'Authorization: Bearer TEXT'; needed where other machines can ask."
        " Better given in the environment, since others can read a command line.",
    ),
]
Collect = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Keep pictures with a corrected label here, for 'optotype train SOURCE --add FOLDER'.",
    ),
]
Open = Annotated[bool, typer.Option("--open", metavar="", help="Open the page in a browser.")]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print JSON only: one line when it can be asked.")
]


def serve(
    target: Target,
    port: Port = 8000,
    host: Host = "127.0.0.1",
    token: Token = None,
    collect: Collect = None,
    open_page: Open = False,
    json: Json = False,
) -> None:
    """Serve a model over HTTP, with a page to draw on, until Ctrl-C.

    Programs ask POST /v1/predict; /docs explains all that can be asked. SIGHUP
    loads the model again; Ctrl-C and SIGTERM let open requests end.
    """
    import logging
    from urllib.parse import quote

    from optotype.web import Settings
    from optotype.web import serve as run_server

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    # They warn of each request that they cannot read: anyone could fill the disk.
    for reader in ("uvicorn.error", "python_multipart"):
        logging.getLogger(reader).setLevel(logging.ERROR)
    screen = console()

    def started(service: "Service", address: str) -> None:
        page = f"{address}/" if token is None else f"{address}/#token={quote(token)}"
        if json:
            print_json({"address": address, "model": service.served.fingerprint})
        else:
            name = service.served.model.recipe.name
            everywhere = host in {"0.0.0.0", "::"}  # noqa: S104 - nothing is bound by this
            others = " Other machines put this one's name into the address." if everywhere else ""
            prose(
                screen,
                f"{name} is served at {page} (the page) and {address}/docs (for programs).{others} Ctrl-C stops it.",
            )
        if open_page:
            # Without the token, which others could read in the browser's command line: the page asks for it.
            typer.launch(f"{address}/")

    run_server(Settings(target, host, port, token, collect), started)
    if not json:
        prose(screen, "Stopped.")
