"""Whatever goes wrong, as the client reads it: application/problem+json with one sentence (RFC 9457).

The type is always "about:blank", which is left out as section 4.2.1 allows; so the title is the status' own phrase.
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

SOON: Final = {"Retry-After": "1"}
"""Headers of an answer that says to ask again in a second."""
LATER: Final = {"Retry-After": "5"}
"""The same, for what takes longer: a server that is started again."""

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make the answer to a request that cannot be fulfilled.

    It is an ASGI application as every response is: outside of FastAPI, ``await problem(...)(scope, receive, send)``.

    Args:
        status: The HTTP status, from 400 to 599.
        detail: One or two sentences: what happened with which value, what was expected, what to do.
        headers: More headers, such as Retry-After (in seconds) of 429 and 503.
    """
    # Escaped to ASCII: a file's name may hold what UTF-8 cannot say.
    content = json.dumps({"title": HTTPStatus(status).phrase, "status": status, "detail": detail})
    return Response(content, status, headers, "application/problem+json")


def shown(value: object) -> str:
    """Write a client's value for a sentence, shortened: it may be as long as it likes."""
    return _SHORT.repr(value)


async def _of_data(_: Request, error: DataError) -> Response:
    return problem(422, str(error))


async def _of_parameters(_: Request, error: RequestValidationError) -> Response:
    """Say the first thing wrong with the parameters, and how many more there are."""
    first, *more = error.errors()
    place, name = first["loc"][0], ".".join(str(part) for part in first["loc"][1:])
    what = f"The {place} parameter {name!r}" if name else f"The {place}"
    if first["type"] == "missing":
        said = f"{what} is missing"
    else:
        expected = first["msg"].removeprefix("Input should be ")
        said = f"{what} is {shown(first['input'])}, expected {expected[:1].lower()}{expected[1:]}"
    others = f" {len(more)} more of this request's parameters are wrong." if more else ""
    return problem(422, f"{said}.{others} /docs describes every parameter.")


async def _of_http(request: Request, error: HTTPException) -> Response:
    """Say it in a sentence where the framework says no more than the status' phrase."""
    path, detail = shown(request.url.path), error.detail
    if error.detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == 404:
            detail = f"There is nothing at {path}. The page is at /, and /docs describes the rest."
        elif error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            detail = f"{path} cannot be asked with {request.method}, expected {allowed}. See /docs."
    return problem(error.status_code, detail, error.headers)


async def _of_own(_: Request, __: Exception) -> Response:
    """Tell nothing of it: Starlette raises it again, and so the server logs it with its traceback."""
    return problem(500, "An error of optotype's own. The server's log has the details; please report them.")


HANDLERS: Final[dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]] = {
    DataError: _of_data,
    RequestValidationError: _of_parameters,
    HTTPException: _of_http,
    Exception: _of_own,
}
"""For ``FastAPI(exception_handlers=...)``. Of optotype's errors only a DataError is the client's doing: it sent the
picture. A model, a network or a file of ours that fails is ours to mend, and may name paths that are nobody's business.
"""
