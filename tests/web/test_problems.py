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
from tests.web.listening import exchange, listening, status

APP = FastAPI(exception_handlers=HANDLERS)
ERRORS: dict[str, Exception] = {
    "data": DataError("The body is empty, expected a picture."),
    "image": ImageError("The picture is broken."),
    "model": ModelError("/home/somebody/m.model is broken."),
    "own": ZeroDivisionError("a secret"),
    "busy": HTTPException(429, "256 images wait already. Ask again in a second.", {"Retry-After": "1"}),
}


@APP.get("/fail")
def fail(what: str) -> None:
    """Fail."""
    raise ERRORS[what]


@APP.get("/ask")
def ask(label: str, top: int = Query(3, ge=1, le=10), fit: Literal["stretch", "digit"] = "stretch") -> str:
    """Give the parameters back."""
    return f"{label}{top}{fit}"


CLIENT = TestClient(APP, raise_server_exceptions=False)


def test_a_problem_has_title_status_and_detail() -> None:
    """A problem is the JSON of RFC 9457, has the headers asked for, and can say names that are not Unicode."""
    answer = problem(429, "not \udcff", {"Retry-After": "1"})
    assert json.loads(bytes(answer.body)) == {
        "title": "Too Many Requests",
        "status": 429,
        "detail": "not \udcff",
    }
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("what", "code"), [("data", 422), ("image", 422), ("busy", 429)])
def test_what_the_client_did_is_told(what: str, code: int) -> None:
    """What is wrong with a request is told in the error's own words, with its headers."""
    answer = CLIENT.get("/fail", params={"what": what})
    assert answer.status_code == code
    error = ERRORS[what]
    assert answer.json()["detail"] == (error.detail if isinstance(error, HTTPException) else str(error))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("retry-after") == ("1" if what == "busy" else None)


@pytest.mark.parametrize("what", ["model", "own"])
def test_our_own_errors_are_logged_and_not_told(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """An error that is not the client's doing gives 500 without its text, and one traceback in the server's log."""
    with listening(APP, Limits()) as server:
        answer = exchange(server.port, b"GET /fail?what=%s HTTP/1.1\r\nHost: x\r\n\r\n" % what.encode())
    assert status(answer) == 500
    assert b"An error of optotype's own" in answer
    assert str(ERRORS[what]).encode() not in answer
    (logged,) = (each for each in caplog.records if each.levelno >= logging.ERROR)
    assert logged.exc_info
    assert logged.exc_info[1] is ERRORS[what]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "The query parameter 'label' is missing."),
        (
            "label=7&top=abc",
            "The query parameter 'top' is 'abc', expected a valid integer, unable to parse string as an integer.",
        ),
        (
            "top=11&fit=no",
            "The query parameter 'label' is missing. 2 more of this request's parameters are wrong.",
        ),
        (
            "label=7&fit=crop",
            "The query parameter 'fit' is 'crop', expected 'stretch' or 'digit'.",
        ),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value(asked: str, said: str) -> None:
    """The first parameter that is wrong is named, with its value and what was expected."""
    answer = CLIENT.get(f"/ask?{asked}")
    assert (answer.status_code, answer.json()["detail"]) == (422, f"{said} /docs describes every parameter.")


@given(st.text())
def test_any_parameter_is_answered(text: str) -> None:
    """Whatever a parameter holds, the answer is one line of at most 300 characters."""
    answer = CLIENT.get("/ask", params={"label": "7", "top": text.encode("utf-8", "replace")})
    assert answer.status_code in {200, 422}
    if answer.status_code == 422:
        assert answer.json()["detail"].isprintable()
        assert len(answer.json()["detail"]) < 300


def test_what_is_not_there_or_not_so() -> None:
    """404 says where to look, 405 which methods there are."""
    answer = CLIENT.get("/v1/nothing%00")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.json()["detail"].startswith("There is nothing at '/v1/nothing")
    answer = CLIENT.put("/ask")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["detail"] == "'/ask' cannot be asked with PUT, expected GET. See /docs."
