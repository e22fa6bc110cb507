from hypothesis import given
from hypothesis import strategies as st

from reproduce.headers import measured, with_line
from tests.reproduce.examples import results, training

LINES = st.lists(
    st.sampled_from(["# Source: a lesson.", "# Measured: mean 0.1.", "epochs = 4", "", "# inside"])
)


def test_line_has_mean_range_and_seeds() -> None:
    """The line has mean, range and number of seeds of the test accuracy."""
    saved = results("mlp-784", "optotype-fp32", [training(0, 0.98), training(1, 0.99)])
    expected = (
        "# Measured: mean 0.9850, range 0.9800 to 0.9900 over 2 seeds (test accuracy, fp32); make reproduce."
    )
    assert measured(saved) == expected


def test_line_is_placed_after_the_opening_comment() -> None:
    """The line is placed at the end of the first comment and replaces an older one."""
    text = "# Source: a lesson.\n# Measured: mean 0.1.\nepochs = 4\n"
    assert (
        with_line(text, "# Measured: mean 0.2.") == "# Source: a lesson.\n# Measured: mean 0.2.\nepochs = 4\n"
    )


@given(LINES)
def test_writing_the_line_twice_changes_nothing(lines: list[str]) -> None:
    """Adding the line a second time changes nothing."""
    once = with_line("\n".join(lines), "# Measured: mean 0.2.")
    assert with_line(once, "# Measured: mean 0.2.") == once
