"""Images as data URIs."""

import base64
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from optotype.data.pictures.encode import png_uri

SIDES = st.integers(1, 9)
IMAGES = st.tuples(SIDES, SIDES, st.sampled_from([1, 3])).flatmap(lambda shape: arrays(np.uint8, shape))


@given(IMAGES)
def test_data_uri_contains_the_exact_pixels(image: np.ndarray) -> None:
    """The data URI contains a PNG file of exactly the same pixels, grey or colour."""
    head, _, content = png_uri(image).partition(",")
    assert head == "data:image/png;base64"
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert np.array_equal(decoded.reshape(image.shape), image)
