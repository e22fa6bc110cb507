"""Forms with many, damaged or wrongly named parts, and with hostile file names."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.web.hostile.requests import FORM, GOOD, PATHS, assert_rejected, form, post

UNFINISHED = "ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
"""Starlette does not close the file of an incomplete part; Python closes it with a warning."""


def test_file_names_in_forms_have_no_effect(client: TestClient, tmp_path: Path) -> None:
    """A part with any file name is read like others, and nothing is written under that name."""
    outside = tmp_path / "outside.png"
    for name in (
        str(outside),
        "../../../../outside.png",
        "a\\..\\b",
        "",
        "con",
        "a" * 1000,
        "%00",
        ".",
        "\u202egnp",
    ):
        response = post(client, form((f'name="images"; filename="{name}"', GOOD)), FORM)
        assert response.status_code in {200, 400}
    assert not outside.exists()
    response = post(client, form((f'name="images"; filename="{outside}"', GOOD)), FORM, PATHS[2])
    assert response.json()["file"].startswith("7/")
    assert not outside.exists()


@pytest.mark.filterwarnings(UNFINISHED)
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (form(*[('name="images"; filename="a"', GOOD)] * 2000), FORM, 413),
        (form(*[('name="images"', b"a")] * 3), FORM, 422),
        (form(*[('name="other"; filename="a"', GOOD)] * 3), FORM, 422),
        (form(('name="images"; filename="a"', GOOD), ('name="x"; filename="a"', b"")), FORM, 422),
        (form(('filename="a"', GOOD)), FORM, 400),
        (form(('name="images"; filename="a"', b"")), FORM, 422),
        (form(), FORM, 422),
        (form(*[(f'name="{i:050}"; filename="a"', GOOD) for i in range(500)]), FORM, 422),
        (form(('name="images"; filename="a"', GOOD)), "multipart/form-data", 400),
        (form(('name="images"; filename="a"', GOOD)), "multipart/form-data; boundary=", 400),
        (form(('name="images"; filename="a"', GOOD)), f"multipart/form-data; boundary={'y' * 10_000}", 400),
        (form(('name="images"; filename="a"', GOOD))[:-30], FORM, 422),
        (b"--x\r\n" + b"a: b\r\n" * 10_000, FORM, 400),
        (b"--x\r\na: " + b"b" * 100_000, FORM, 400),
        (b"\r\n" * 100_000, FORM, 422),
        (b"--x", FORM, 422),
        (b"", FORM, 422),
        (GOOD, FORM, 400),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_invalid_forms_are_rejected(client: TestClient, body: bytes, kind: str, status: int) -> None:
    """Too many parts, unknown part names and malformed forms get an error message."""
    assert_rejected(post(client, body, kind), status)


@pytest.mark.filterwarnings(UNFINISHED)
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_forms_get_a_response(client: TestClient, data: st.DataObject) -> None:
    """A form with changed bytes gets a valid response."""
    content = bytearray(form(('name="images"; filename="a"', GOOD), ('name="images"; filename="b"', GOOD)))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(len(content), start + 40)))
        content[start:stop] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"\r\n", b"--x", b'"', b";", b":"])
        )
    post(client, bytes(content), FORM)
