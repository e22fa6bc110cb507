"""Error responses."""

import json
import logging
from typing import Literal

import pytest
from fastapi import FastAPI, HTTPException, Query
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from optotype.errors import DataError, ImageError, ModelError
from optotype.web.limits import Limits
from optotype.web.problems import HANDLERS, problem
from tests.web.http_server import exchange, parse_status, run_server

APP = FastAPI(exception_handlers=HANDLERS)
ERRORS: dict[str, Exception] = {
    "data": DataError("The body is empty, expected an image."),
    "image": ImageError("The image is damaged."),
    "model": ModelError("/home/user/m.model is damaged."),
    "internal": ZeroDivisionError("a secret"),
    "busy": HTTPException(429, "256 images are waiting. Retry in 1 second.", {"Retry-After": "1"}),
}


@APP.get("/fail")
def fail(error: str) -> None:
    """Raise an error."""
    raise ERRORS[error]


@APP.get("/echo")
def echo(label: str, top: int = Query(3, ge=1, le=10), fit: Literal["stretch", "digit"] = "stretch") -> str:
    """Return the parameters."""
    return f"{label}{top}{fit}"


CLIENT = TestClient(APP, raise_server_exceptions=False)


def test_problem_has_title_status_and_detail() -> None:
    """A problem is RFC 9457 JSON with additional headers; its detail may contain text that is not valid Unicode."""
    response = problem(429, "not \udcff", {"Retry-After": "1"})
    assert json.loads(bytes(response.body)) == {
        "title": "Too Many Requests",
        "status": 429,
        "detail": "not \udcff",
    }
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("name", "status"), [("data", 422), ("image", 422), ("busy", 429)])
def test_client_errors_are_reported(name: str, status: int) -> None:
    """An error that the client caused is reported with its message and headers."""
    response = CLIENT.get("/fail", params={"error": name})
    assert response.status_code == status
    error = ERRORS[name]
    assert response.json()["detail"] == (error.detail if isinstance(error, HTTPException) else str(error))
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers.get("retry-after") == ("1" if name == "busy" else None)


@pytest.mark.parametrize("name", ["model", "internal"])
def test_internal_errors_are_logged_and_not_reported(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """An internal error gives 500 without its message, and one traceback in the server's log."""
    with run_server(APP, Limits()) as server:
        response = exchange(server.port, b"GET /fail?error=%s HTTP/1.1\r\nHost: x\r\n\r\n" % name.encode())
    assert parse_status(response) == 500
    assert b"application/problem+json" in response
    assert str(ERRORS[name]).encode() not in response
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert record.exc_info
    assert record.exc_info[1] is ERRORS[name]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "The query parameter 'label' is missing."),
        (
            "label=7&top=abc",
            "The query parameter 'top' is 'abc', expected a valid integer, unable to parse string as an integer.",
        ),
        (
            "top=11&fit=no",
            "The query parameter 'label' is missing. Other invalid parameters in this request: 2.",
        ),
        (
            "label=7&fit=crop",
            "The query parameter 'fit' is 'crop', expected 'stretch' or 'digit'.",
        ),
    ],
)
def test_invalid_parameter_is_named_with_its_value(query: str, message: str) -> None:
    """The first invalid parameter is named with its value and what was expected; the others are counted."""
    response = CLIENT.get(f"/echo?{query}")
    assert response.status_code == 422
    assert response.json()["detail"] == f"{message} /docs describes every parameter."


@given(st.text())
def test_any_parameter_value_gets_a_short_response(text: str) -> None:
    """Whatever a parameter contains, the message is one line of fewer than 300 characters."""
    response = CLIENT.get("/echo", params={"label": "7", "top": text.encode("utf-8", "replace")})
    assert response.status_code in {200, 422}
    if response.status_code == 422:
        assert response.json()["detail"].isprintable()
        assert len(response.json()["detail"]) < 300


def test_unknown_paths_and_methods() -> None:
    """404 names the path; 405 names the method and the supported ones."""
    response = CLIENT.get("/v1/nothing%00")
    assert (response.status_code, response.json()["status"]) == (404, 404)
    assert "'/v1/nothing" in response.json()["detail"]
    response = CLIENT.put("/echo")
    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert response.json()["detail"] == "'/echo' does not support PUT, expected GET. See /docs."
