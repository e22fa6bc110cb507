"""/docs: the interface to read and to try, by Swagger UI from files of this machine."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from optotype.web.guard import is_private

_FILES: Final = "/docs/files"
# Not `Path(...) / "static"` of the package's own application: its page would not pass a content security policy.
_FOLDER: Final = Path(fastapi_offline.__file__).parent / "static"


def add_docs(app: FastAPI) -> None:
    """Add the page and its files to an application made without."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=app.title,
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    html = bytes(page.body).decode()
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(html, headers={"Content-Security-Policy": _policy(html)})

    app.include_router(router)
    app.mount(_FILES, StaticFiles(directory=_FOLDER))


def ask_for_token(app: FastAPI) -> None:
    """Let the description of the finished application say where the token belongs, so that /docs asks for it."""
    described = app.openapi()
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in described["paths"].items():
        if is_private(path):
            for operation in operations.values():
                operation["security"] = [{"token": []}]


def _policy(html: str) -> str:
    """Allow the page's one script by its hash, and the styles that Swagger UI sets."""
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src 'self' {allowed}; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
