"""Raw pixels of odd lengths and values."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.web.hostile.sending import refused, sent


@pytest.mark.parametrize("size", [0, 1, 783, 785, 3135, 3137])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_raw_pixels_of_odd_length_are_refused(client: TestClient, size: int, dtype: str) -> None:
    """A body that is no whole number of images is refused, and the length that was expected is named."""
    answer = sent(client, bytes(size), "application/octet-stream", f"/v1/predict?dtype={dtype}")
    refused(answer, 422, "784" if dtype == "uint8" else "3136")


@settings(max_examples=60)
@given(values=st.lists(st.floats(width=32), min_size=1, max_size=5))
@example([float("nan")])
@example([float("inf"), 0.5])
@example([-0.0, 5e-324, 1.0])
def test_raw_numbers_are_in_range(client: TestClient, values: list[float]) -> None:
    """float32 pixels are answered where all of them are in 0 .. 1, and else refused; NaN and infinity are not in it."""
    pixels = np.zeros(784, "<f4")
    pixels[: len(values)] = values
    answer = sent(client, pixels.tobytes(), "application/octet-stream", "/v1/predict?dtype=float32")
    good = bool((pixels >= 0).all() and (pixels <= 1).all())
    assert (answer.status_code == 200) is good


def test_more_raw_images_than_are_taken_are_refused(client: TestClient) -> None:
    """1025 images are refused for their number, before anything is made of them."""
    refused(sent(client, bytes(1025 * 784), "application/octet-stream"), 413, "1025 images", "at most 1024")
