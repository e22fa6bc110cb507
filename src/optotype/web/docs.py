"""The interactive API documentation at /docs: Swagger UI, served from files of this machine."""

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
# Only the package's files are used: its own page would violate a content security policy.
_FOLDER: Final = Path(fastapi_offline.__file__).parent / "static"


def add_docs(app: FastAPI) -> None:
    """Add /docs and its files to an application that was created without them."""
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
        return HTMLResponse(html, headers={"Content-Security-Policy": _content_security_policy(html)})

    app.include_router(router)
    app.mount(_FILES, StaticFiles(directory=_FOLDER))


def add_token_scheme(app: FastAPI) -> None:
    """Add the bearer token to the OpenAPI description of the complete application, so that /docs asks for it."""
    description = app.openapi()
    description["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in description["paths"].items():
        if is_private(path):
            for operation in operations.values():
                operation["security"] = [{"token": []}]


def _content_security_policy(html: str) -> str:
    """Return a policy that allows the page's one inline script by its hash, and Swagger UI's inline styles."""
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    script_sources = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src 'self' {script_sources}; style-src 'self' 'unsafe-inline'; img-src 'self'"
        " data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
