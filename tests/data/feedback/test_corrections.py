"""The folder of corrections."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from optotype.data.feedback import corrections as module
from optotype.data.feedback.corrections import Corrections, class_of_folder, folder_names
from optotype.data.load import load
from optotype.errors import DataError

FASHION = ("T-shirt/top", "Trouser", "Ankle boot")
Pixels = NDArray[np.uint8]


def _picture(seed: int, shape: tuple[int, int, int] = (28, 28, 1)) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))


@given(data=st.data(), shape=st.sampled_from([(28, 28, 1), (32, 32, 3)]), seed=st.integers(0, 99))
def test_saved_corrections_are_added_unchanged(
    data: st.DataObject, shape: tuple[int, int, int], seed: int
) -> None:
    """For any class names, `load(..., add=folder)` returns the saved pixels and labels."""
    texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
    # Those that arrays can have: they are to be shown.
    shown = texts.filter(lambda name: name.isprintable() and bool(name.strip()))
    class_names = data.draw(
        st.lists(
            shown | st.sampled_from([*FASHION, ".", "..", "a%2Fb", "__MACOSX"]),
            min_size=2,
            max_size=4,
            unique=True,
        )
    )
    pixels = data.draw(arrays.arrays(np.uint8, (3, *shape)))
    own = np.random.default_rng(seed).integers(0, 256, (4 * len(class_names), *shape)).astype(np.uint8)
    source = load((own, class_names * 4))
    labels = data.draw(st.lists(st.sampled_from(source.class_names), min_size=3, max_size=3))
    with TemporaryDirectory() as folder:
        kept = Corrections(Path(folder) / "new", source.class_names)
        last = {}
        for label, each in zip(labels, pixels, strict=True):
            kept.save(label, each)
            last[each.tobytes()] = label
        found = load((own, class_names * 4), add=kept.folder)
        assert kept.count() == len(last)
    added = found.images[found.own_images :]
    names = [found.class_names[label] for label in found.labels[found.own_images :]]
    assert dict(zip([each.tobytes() for each in added], names, strict=True)) == last
    assert len(added) == len(last)


@given(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=6))
def test_folder_names_are_distinct_on_every_file_system(class_names: list[str]) -> None:
    """Folder names differ by more than case and Unicode form, are neither hidden nor paths, and can be inverted."""
    folders = folder_names(class_names)
    assert list(folders) == class_names
    assert len({module._folded(folder) for folder in folders.values()}) == len(class_names)
    for name, folder in folders.items():
        assert "/" not in folder
        assert "\0" not in folder
        assert not folder.startswith(".")
        assert class_of_folder(folder, class_names) == name


def test_plain_names_stay_plain() -> None:
    """A class name is its folder name, except for characters and names that file systems do not support."""
    names = ("0", "Ankle boot", "café", "T-shirt/top", "100%", ".net", "a", "A", "x\ny", " b", "__MACOSX")
    assert list(folder_names(names).values()) == [
        "0",
        "Ankle boot",
        "café",
        "T-shirt%2Ftop",
        "100%25",
        "%2Enet",
        "a",
        "%41",
        "x%0Ay",
        "%20%62",
        "%5F%5F%4D%41%43%4F%53%58",
    ]


@pytest.mark.parametrize(
    ("class_names", "words"),
    [
        (("a", "a"), "Two classes are named 'a'"),
        (("a", ""), r"class '' has 0 bytes"),
        (("a", "/" * 86), r"has 258 bytes; expected 1 to 255\. Rename the class"),
        (("a", "\udc80"), r"The class name '\\udc80' cannot be encoded in UTF-8"),
    ],
)
def test_a_class_without_a_folder_is_named(tmp_path: Path, class_names: tuple[str, ...], words: str) -> None:
    """A class without a valid folder name is rejected before anything is saved, and no folder is created."""
    with pytest.raises(DataError, match=words):
        Corrections(tmp_path / "new", class_names)
    assert not (tmp_path / "new").exists()


def test_folders_that_people_made_are_understood() -> None:
    """A folder belongs to the class of its name, composed, decomposed or percent-encoded; or to none."""
    classes = ("café", "100%", "T-shirt/top", "%41")
    assert [
        class_of_folder(each, classes) for each in ("cafe\u0301", "100%", "T-shirt%2ftop", "%41", "%ff")
    ] == [
        *classes,
        None,
    ]


def test_an_image_is_saved_once(tmp_path: Path) -> None:
    """Saving the same image again changes nothing; its file is named after its pixels."""
    kept = Corrections(tmp_path / "deep" / "new", FASHION)
    picture = _picture(0)
    digest = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
    for _ in range(2):
        assert kept.save("T-shirt/top", picture) == f"T-shirt%2Ftop/{digest}.png"
    assert kept.save("Trouser", _picture(1)).startswith("Trouser/")
    assert kept.count() == len(_files(kept.folder)) == 2


def test_the_last_label_counts(tmp_path: Path) -> None:
    """An image that is corrected again moves, even if copies of it are under other labels."""
    kept = Corrections(tmp_path, FASHION)
    first = kept.save("Trouser", _picture(0))
    second = kept.save("Ankle boot", _picture(0))
    assert _files(tmp_path) == [second]
    (tmp_path / first).write_bytes((tmp_path / second).read_bytes())
    assert kept.save("T-shirt/top", _picture(0)).startswith("T-shirt%2Ftop/")
    assert kept.count() == 1
    assert Corrections(tmp_path, FASHION).save("Trouser", _picture(0)) == first
    assert _files(tmp_path) == [first]


def test_threads_save_at_the_same_time(tmp_path: Path) -> None:
    """Eight threads that change the labels of two images leave each of them once."""
    kept = Corrections(tmp_path, FASHION)
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(kept.save, FASHION[turn % 3], _picture(turn % 2)) for turn in range(240)]
        for each in done:
            each.result()
    assert len(_files(tmp_path)) == len({Path(file).name for file in _files(tmp_path)}) == 2


def test_a_full_folder_takes_no_new_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit a new image is rejected; a saved one can still be corrected."""
    monkeypatch.setattr(module, "MAX_CORRECTIONS", 2)
    kept = Corrections(tmp_path, FASHION)
    for seed in range(2):
        kept.save("Trouser", _picture(seed))
    with pytest.raises(
        DataError, match=r"contains 2 corrections; expected fewer than 2 .* collect into a new folder"
    ):
        kept.save("Trouser", _picture(2))
    kept.save("Ankle boot", _picture(0))
    assert kept.count() == 2


def test_a_wrong_label_or_image_is_rejected(tmp_path: Path) -> None:
    """The error for an unknown class suggests the nearest; invalid pixels are rejected."""
    kept = Corrections(tmp_path, FASHION)
    with pytest.raises(DataError, match="Did you mean 'Trouser'"):
        kept.save("Trousers", _picture(0))
    with pytest.raises(DataError, match=r"shape \(28, 28\); expected uint8 of shape"):
        kept.save("Trouser", _picture(0)[..., 0])
    assert kept.count() == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda top: top.write_bytes(b""), "File exists"),
        (
            lambda top: top.symlink_to(top.parent / "else"),
            "is a link to .*else; expected the folder of corrections itself",
        ),
        (
            lambda top: (top / "holiday").mkdir(parents=True),
            "contains 'holiday', which is not a class folder",
        ),
        (
            lambda top: (top / "Trouser").mkdir(parents=True) or (top / "a.png").write_bytes(b""),
            "contains 'a.png'",
        ),
        (lambda top: top.mkdir() or (top / "Trouser").symlink_to(top.parent), "contains 'Trouser'"),
        (
            lambda top: (top / ".lock").mkdir(parents=True),
            "Is a directory; expected a writable folder",
        ),
    ],
)
def test_a_folder_with_other_content_is_rejected(
    tmp_path: Path, wrong: Callable[[Path], object], words: str
) -> None:
    """A file, a link, an unwritable folder and one with other content are rejected and unchanged."""
    wrong(tmp_path / "top")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=words):
        Corrections(tmp_path / "top", FASHION)
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A class folder that was replaced by a link is rejected, and nothing is written to its target."""
    kept = Corrections(tmp_path / "top", FASHION)
    (tmp_path / "else").mkdir()
    (tmp_path / "top" / "Trouser").symlink_to(tmp_path / "else")
    with pytest.raises(DataError, match="was replaced by a link"):
        kept.save("Trouser", _picture(0))
    assert not list((tmp_path / "else").iterdir())


def test_other_files_are_ignored(tmp_path: Path) -> None:
    """Text files and hidden files are ignored and unchanged."""
    (tmp_path / "README.txt").write_text("ours")
    (tmp_path / ".git").mkdir()
    kept = Corrections(tmp_path, FASHION)
    kept.save("Trouser", _picture(0))
    assert (tmp_path / "README.txt").read_text() == "ours"
