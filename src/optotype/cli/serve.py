"""`optotype serve`: serve a model over HTTP, with a page to draw on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.terminal import make_console, print_json, print_text

if TYPE_CHECKING:
    from optotype.web.service import Service

Target = Annotated[Path, typer.Argument(metavar="TARGET", help="A run folder or a model file.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0 selects a free one.")]
Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="The address to listen on. 127.0.0.1 accepts only this machine, 0.0.0.0 also others.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        envvar="OPTOTYPE_TOKEN",
        help="Shared secret that every request must send as 'Authorization: Bearer TEXT'. Required if other machines"
        " can connect. The environment variable is safer: other users can read the command line.",
    ),
]
Collect = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Save corrected images here, to train on them with 'optotype train SOURCE --add FOLDER'.",
    ),
]
Open = Annotated[bool, typer.Option("--open", metavar="", help="Open the page in the browser.")]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print JSON only: one line once the server is ready.")
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

    Programs send images to POST /v1/predict; /docs describes the whole API.
    SIGHUP reloads the model. Ctrl-C and SIGTERM shut down gracefully: running
    requests finish first.
    """
    import logging
    from urllib.parse import quote

    from optotype.web import Settings
    from optotype.web import serve as run_server

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    # These loggers warn of every malformed request, so that any client could fill the disk.
    for name in ("uvicorn.error", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)
    console = make_console()

    def on_start(service: "Service", address: str) -> None:
        page = f"{address}/" if token is None else f"{address}/#token={quote(token)}"
        if json:
            print_json({"address": address, "model": service.served.fingerprint})
        else:
            name = service.served.model.recipe.name
            listens_everywhere = host in {"0.0.0.0", "::"}  # noqa: S104 - nothing is bound here
            hint = " On other machines, use this machine's name in the address." if listens_everywhere else ""
            print_text(
                console,
                f"Serving {name} at {page} (page) and {address}/docs (API for programs).{hint} Press Ctrl-C to stop.",
            )
        if open_page:
            # Without the token, which others could read in the browser's command line: the page asks for it.
            typer.launch(f"{address}/")

    run_server(Settings(target, host, port, token, collect), on_start)
    if not json:
        print_text(console, "Stopped.")
