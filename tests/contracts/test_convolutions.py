"""Convolutions of any geometry, with fused layers, against a NumPy reference in double precision."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from optotype.engine.layers import Conv2D, Dense, Flatten, MaxPooling2D
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD
from optotype.engine.processor import Precision, available_isas

BATCH = 5
Array = NDArray[np.float64]
ARITHMETICS: list[tuple[str, Precision]] = [(isa, "fp32") for isa in available_isas() if isa != "amx"]
ARITHMETICS += [("amx", "bf16")] * ("amx" in available_isas())


@dataclass(frozen=True)
class Case:
    """A convolution of an image of height x width x channels, then relu, then max pooling."""

    height: int
    width: int
    channels: int
    filters: int
    window: tuple[int, int]
    same: bool
    pool: tuple[int, int]

    def layers(self) -> tuple[Conv2D, Conv2D, MaxPooling2D, Flatten, Dense]:
        """Return the layers; a 1x1 convolution comes first, so that the second one needs its input gradient."""
        second = Conv2D(self.filters, self.window, "relu", padding="same" if self.same else "valid")
        return Conv2D(self.channels, 1), second, MaxPooling2D(self.pool), Flatten(), Dense(2, "softmax")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a geometry in which at least one window of each kind fits."""
    same = draw(st.booleans())
    height, width = draw(st.integers(1, 20)), draw(st.sampled_from([*range(1, 36), 300, 1100]))
    window = (
        draw(st.integers(1, 6 if same else min(height, 6))),
        draw(st.integers(1, 6 if same else min(width, 6))),
    )
    rows, columns = (height, width) if same else (height - window[0] + 1, width - window[1] + 1)
    pool = draw(st.integers(1, min(rows, 4))), draw(st.integers(1, min(columns, 4)))
    return Case(height, width, draw(st.integers(1, 40)), draw(st.integers(1, 70)), window, same, pool)


def make_data(case: Case) -> tuple[Array, dict[str, Array]]:
    """Return images and weights that are exact in bfloat16, as are their products; the first kernel is the identity."""
    rng = np.random.default_rng(case.height * 1000 + case.width)
    images = rng.integers(0, 9, (BATCH, case.height, case.width, case.channels)) / 8
    net = Network(case.layers(), images.shape[1:], threads=1)
    weights = {name: rng.integers(-8, 9, array.shape) / 64 for name, array in net.weights().items()}
    weights["0.kernel"] = np.eye(case.channels)[None, None]
    weights["0.bias"] *= 0
    return images, weights


def pad(case: Case, images: Array) -> Array:
    """Pad images for padding "same", with the larger half below and right."""
    padding = [((side - 1) // 2, side // 2) if case.same else (0, 0) for side in case.window]
    return np.pad(images, ((0, 0), *padding, (0, 0)))


def reference(case: Case, images: Array, weights: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
    """Compute logits and, for labels 0, 1, 0, 1, ..., the gradients of the mean cross-entropy."""
    kernel, (rows, columns) = weights["1.kernel"], case.window
    padded = pad(case, images)
    views = sliding_window_view(padded, case.window, axis=(1, 2))
    z = np.einsum("nyxcij,ijcf->nyxf", views, kernel, optimize=True) + weights["1.bias"]
    down, right = z.shape[1] // case.pool[0], z.shape[2] // case.pool[1]
    inside = z[:, : down * case.pool[0], : right * case.pool[1]]
    tiles = inside.reshape(BATCH, down, case.pool[0], right, case.pool[1], -1).transpose(0, 1, 3, 5, 2, 4)
    flat = np.maximum(tiles.reshape(*tiles.shape[:4], -1), 0)
    y = flat.max(-1)
    logits = y.reshape(BATCH, -1) @ weights["4.kernel"] + weights["4.bias"]

    odds = np.exp(logits - logits.max(1, keepdims=True))
    dlogits = (odds / odds.sum(1, keepdims=True) - np.eye(2)[np.arange(BATCH) % 2]) / BATCH
    dy = (dlogits @ weights["4.kernel"].T).reshape(y.shape) * (y > 0)
    is_maximum = np.arange(flat.shape[-1]) == flat.argmax(-1)[..., None]
    dtiles = (is_maximum * dy[..., None]).reshape(tiles.shape).transpose(0, 1, 4, 2, 5, 3)
    dz = np.zeros_like(z)
    dz[:, : inside.shape[1], : inside.shape[2]] = dtiles.reshape(inside.shape)
    dpadded = np.zeros_like(padded)
    for i in range(rows):
        for j in range(columns):
            dpadded[:, i : i + z.shape[1], j : j + z.shape[2]] += dz @ kernel[i, j].T
    top, left = ((rows - 1) // 2, (columns - 1) // 2) if case.same else (0, 0)
    dx = dpadded[:, top : top + case.height, left : left + case.width]
    gradients = {
        "0.kernel": np.einsum("nyxc,nyxd->cd", images, dx)[None, None],
        "0.bias": dx.sum((0, 1, 2)),
        "1.kernel": np.einsum("nyxcij,nyxf->ijcf", views, dz, optimize=True),
        "1.bias": dz.sum((0, 1, 2)),
        "4.kernel": y.reshape(BATCH, -1).T @ dlogits,
        "4.bias": dlogits.sum(0),
    }
    return logits, gradients


@pytest.mark.parametrize(("isa", "precision"), ARITHMETICS)
@given(case=cases())
@settings(max_examples=30, deadline=None)
def test_any_geometry_matches_the_reference(isa: str, precision: Precision, case: Case) -> None:
    """Logits and all gradients match the definition, up to the rounding of the operands."""
    images, weights = make_data(case)
    logits, gradients = reference(case, images, weights)
    net = Network(case.layers(), images.shape[1:], threads=2, isa=isa, precision=precision)
    net.set_weights(weights)
    pixels = images.astype(np.float32)
    # bfloat16 rounds each term to 2^-9; with cancellation, sums have a larger relative error.
    tolerance = 1e-5 if precision == "fp32" else 4e-2
    scale = 1 + np.abs(logits).max()
    assert np.abs(net.logits(pixels, precision=precision) - logits).max() < tolerance * scale
    net.compile(SGD(), BATCH)
    before, labels, rates = net.weights(), np.arange(BATCH) % 2, np.ones(1, np.float32)
    net.train_epoch(pixels, labels, np.arange(BATCH), learning_rates=rates, key=(0, 0))
    largest = max(np.linalg.norm(gradient) for gradient in gradients.values())
    for name, after in net.weights().items():
        error = np.linalg.norm(before[name] - after - gradients[name])
        assert error < tolerance * (np.linalg.norm(gradients[name]) + 0.1 * largest) + 1e-6, name
