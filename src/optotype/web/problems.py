"""Error responses in application/problem+json (RFC 9457): a title, a status, and a detail that says what to do.

The type is always "about:blank". Section 4.2.1 allows leaving it out; the title is then the status's standard phrase.
"""

import json
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from reprlib import Repr
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from optotype.errors import DataError

RETRY_AFTER_1_SECOND: Final = {"Retry-After": "1"}
"""Headers of 429 and 503 while the server is busy."""
RETRY_AFTER_5_SECONDS: Final = {"Retry-After": "5"}
"""Headers of 503 while the server restarts."""

_ABBREVIATED: Final = Repr()
_ABBREVIATED.maxstring = _ABBREVIATED.maxother = 60


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error response.

    Like every response it is an ASGI application: outside FastAPI, use ``await problem(...)(scope, receive, send)``.

    Args:
        status: The HTTP status, 400 .. 599.
        detail: One or two sentences: what happened with which value, what was expected, what to do next.
        headers: Additional headers, for example Retry-After (in seconds) for 429 and 503.
    """
    # ASCII only: a file name may contain characters that UTF-8 cannot encode.
    content = json.dumps({"title": HTTPStatus(status).phrase, "status": status, "detail": detail})
    return Response(content, status, headers, "application/problem+json")


def abbreviate(value: object) -> str:
    """Return the repr of a client's value, shortened to about 60 characters: the client decides how long it is."""
    return _ABBREVIATED.repr(value)


async def _data_error(_: Request, error: DataError) -> Response:
    return problem(422, str(error))


async def _validation_error(_: Request, error: RequestValidationError) -> Response:
    """Name the first invalid parameter and count the others."""
    first, *others = error.errors()
    location, name = first["loc"][0], ".".join(str(part) for part in first["loc"][1:])
    parameter = f"The {location} parameter {name!r}" if name else f"The {location}"
    if first["type"] == "missing":
        message = f"{parameter} is missing"
    else:
        expected = first["msg"].removeprefix("Input should be ")
        message = (
            f"{parameter} is {abbreviate(first['input'])}, expected {expected[:1].lower()}{expected[1:]}"
        )
    count = f" Other invalid parameters in this request: {len(others)}." if others else ""
    return problem(422, f"{message}.{count} /docs describes every parameter.")


async def _http_error(request: Request, error: HTTPException) -> Response:
    """Replace the framework's bare status phrase by a helpful sentence."""
    path, detail = abbreviate(request.url.path), error.detail
    if error.detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == 404:
            detail = f"Path {path} does not exist. The web page is at /, and /docs lists all paths."
        elif error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            detail = f"{path} does not support {request.method}, expected {allowed}. See /docs."
    return problem(error.status_code, detail, error.headers)


async def _internal_error(_: Request, __: Exception) -> Response:
    """Reveal nothing: Starlette raises the exception again, and the server logs it with its traceback."""
    return problem(500, "Internal error in optotype. The server's log has the details; please report them.")


HANDLERS: Final[dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]] = {
    DataError: _data_error,
    RequestValidationError: _validation_error,
    HTTPException: _http_error,
    Exception: _internal_error,
}
"""Handlers for ``FastAPI(exception_handlers=...)``. Of optotype's errors only DataError is caused by the client, whose
image it describes. Errors of models, networks and files are the server's, and their messages may contain its paths.
"""
