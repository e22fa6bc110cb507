import pytest

import optotype as ot
from benchmarks.work import flop_of_image
from optotype.engine.layers import Layer


def flop(*layers: Layer, shape: tuple[int, int, int] = (4, 4, 1)) -> int:
    """Count the operations of a network with a head of two classes."""
    return flop_of_image((*layers, ot.Dense(2, "softmax")), shape)


def test_dense_layers_count_three_matrix_products() -> None:
    """A dense layer counts three products of inputs times units; the first of a network counts two."""
    assert flop(ot.Flatten()) == 2 * 2 * 16 * 2
    assert flop(ot.Flatten(), ot.Dense(5)) == 2 * 2 * 16 * 5 + 3 * 2 * 5 * 2


def test_convolution_counts_every_window() -> None:
    """A convolution counts a product for each output, each element of the window and each channel of the input."""
    outputs, window = 2 * 2 * 3, 3 * 3
    head = 3 * 2 * 12 * 2
    assert flop(ot.Conv2D(3, 3), ot.Flatten()) == 2 * 2 * outputs * window + head


def test_input_gradient_is_counted_above_trainable_layers() -> None:
    """Above batch normalization, which is trainable, the first product counts an input gradient; above pooling not."""
    assert flop(ot.BatchNormalization(), ot.Flatten()) == 3 * 2 * 16 * 2
    assert flop(ot.MaxPooling2D(2), ot.Flatten()) == 2 * 2 * 4 * 2


@pytest.mark.parametrize(("recipe", "millions"), [("mlp-512-512", 3.209), ("cnn-small", 5.390)])
def test_flop_of_recipes_equals_the_sum_by_hand(recipe: str, millions: float) -> None:
    """4 * 784 * 512 + 6 * (512 * 512 + 512 * 10), and 4 * 576 * 25 * 32 + 6 * (4608 * 128 + 128 * 10)."""
    layers = ot.load_recipe(recipe).network_layers(10)
    assert flop_of_image(layers, (28, 28, 1)) == pytest.approx(millions * 1e6, rel=1e-3)
