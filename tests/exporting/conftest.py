"""Keras draws initial weights that the tests replace; zeros instead save minutes."""

import keras
import pytest


def _zeros(_: object, shape: tuple[int, ...], dtype: str | None = None, **__: object) -> object:
    return keras.ops.zeros(shape, dtype or "float32")


@pytest.fixture(autouse=True)
def _zero_initial_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    for initializer in (keras.initializers.VarianceScaling, keras.initializers.RandomNormal):
        monkeypatch.setattr(initializer, "__call__", _zeros)
