"""Raw pixels of invalid lengths and values."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.web.hostile.requests import assert_rejected, post


@pytest.mark.parametrize("size", [0, 1, 783, 785, 3135, 3137])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_incomplete_raw_pixels_are_rejected(client: TestClient, size: int, dtype: str) -> None:
    """A body that is not a multiple of an image's bytes gives 422 and names the expected multiple."""
    response = post(client, bytes(size), "application/octet-stream", f"/v1/predict?dtype={dtype}")
    assert_rejected(response, 422, "784" if dtype == "uint8" else "3136")


@settings(max_examples=60)
@given(values=st.lists(st.floats(width=32), min_size=1, max_size=5))
@example([float("nan")])
@example([float("inf"), 0.5])
@example([-0.0, 5e-324, 1.0])
def test_raw_values_must_be_in_range(client: TestClient, values: list[float]) -> None:
    """float32 pixels are accepted if all are in 0 .. 1; others, NaN and infinity are rejected."""
    pixels = np.zeros(784, "<f4")
    pixels[: len(values)] = values
    response = post(client, pixels.tobytes(), "application/octet-stream", "/v1/predict?dtype=float32")
    is_valid = bool((pixels >= 0).all() and (pixels <= 1).all())
    assert (response.status_code == 200) is is_valid


def test_too_many_raw_images_are_rejected(client: TestClient) -> None:
    """1025 images give 413 before they are decoded."""
    assert_rejected(
        post(client, bytes(1025 * 784), "application/octet-stream"), 413, "1025 images", "at most 1024"
    )
