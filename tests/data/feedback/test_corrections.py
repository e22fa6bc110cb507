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


def _random_image(seed: int, shape: tuple[int, int, int] = (28, 28, 1)) -> Pixels:
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
    printable = texts.filter(lambda name: name.isprintable() and bool(name.strip()))
    class_names = data.draw(
        st.lists(
            printable | st.sampled_from([*FASHION, ".", "..", "a%2Fb", "__MACOSX"]),
            min_size=2,
            max_size=4,
            unique=True,
        )
    )
    pixels = data.draw(arrays.arrays(np.uint8, (3, *shape)))
    images = np.random.default_rng(seed).integers(0, 256, (4 * len(class_names), *shape)).astype(np.uint8)
    source = load((images, class_names * 4))
    labels = data.draw(st.lists(st.sampled_from(source.class_names), min_size=3, max_size=3))
    with TemporaryDirectory() as folder:
        corrections = Corrections(Path(folder) / "new", source.class_names)
        saved_labels = {}
        for label, image in zip(labels, pixels, strict=True):
            corrections.save(label, image)
            saved_labels[image.tobytes()] = label
        loaded = load((images, class_names * 4), add=corrections.folder)
        assert corrections.count() == len(saved_labels)
    added = loaded.images[loaded.own_images :]
    names = [loaded.class_names[label] for label in loaded.labels[loaded.own_images :]]
    assert dict(zip([image.tobytes() for image in added], names, strict=True)) == saved_labels
    assert len(added) == len(saved_labels)


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


def test_ordinary_class_names_are_their_folder_names() -> None:
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
    ("class_names", "message"),
    [
        (("a", "a"), "Two classes are named 'a'"),
        (("a", ""), r"class '' has 0 bytes"),
        (("a", "/" * 86), r"has 258 bytes; expected 1 to 255\. Rename the class"),
        (("a", "\udc80"), r"The class name '\\udc80' cannot be encoded in UTF-8"),
    ],
)
def test_class_name_without_a_valid_folder_name_is_rejected(
    tmp_path: Path, class_names: tuple[str, ...], message: str
) -> None:
    """A class without a valid folder name is rejected before anything is saved, and no folder is created."""
    with pytest.raises(DataError, match=message):
        Corrections(tmp_path / "new", class_names)
    assert not (tmp_path / "new").exists()


def test_user_created_folders_map_to_their_class() -> None:
    """A folder belongs to the class of its name, composed, decomposed or percent-encoded; or to none."""
    classes = ("café", "100%", "T-shirt/top", "%41")
    assert [
        class_of_folder(folder, classes) for folder in ("cafe\u0301", "100%", "T-shirt%2ftop", "%41", "%ff")
    ] == [
        *classes,
        None,
    ]


def test_image_is_saved_once(tmp_path: Path) -> None:
    """Saving the same image again changes nothing; its file is named after its pixels."""
    corrections = Corrections(tmp_path / "deep" / "new", FASHION)
    image = _random_image(0)
    digest = hashlib.sha256(image.tobytes()).hexdigest()[:16]
    for _ in range(2):
        assert corrections.save("T-shirt/top", image) == f"T-shirt%2Ftop/{digest}.png"
    assert corrections.save("Trouser", _random_image(1)).startswith("Trouser/")
    assert corrections.count() == len(_files(corrections.folder)) == 2


def test_last_label_replaces_earlier_ones(tmp_path: Path) -> None:
    """An image that is corrected again moves, even if copies of it are under other labels."""
    corrections = Corrections(tmp_path, FASHION)
    first = corrections.save("Trouser", _random_image(0))
    second = corrections.save("Ankle boot", _random_image(0))
    assert _files(tmp_path) == [second]
    (tmp_path / first).write_bytes((tmp_path / second).read_bytes())
    assert corrections.save("T-shirt/top", _random_image(0)).startswith("T-shirt%2Ftop/")
    assert corrections.count() == 1
    assert Corrections(tmp_path, FASHION).save("Trouser", _random_image(0)) == first
    assert _files(tmp_path) == [first]


def test_concurrent_saves_keep_each_image_once(tmp_path: Path) -> None:
    """Eight threads that change the labels of two images leave each of them once."""
    corrections = Corrections(tmp_path, FASHION)
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(corrections.save, FASHION[number % 3], _random_image(number % 2))
            for number in range(240)
        ]
        for future in futures:
            future.result()
    assert len(_files(tmp_path)) == len({Path(file).name for file in _files(tmp_path)}) == 2


def test_full_folder_rejects_new_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit a new image is rejected; a saved one can still be corrected."""
    monkeypatch.setattr(module, "MAX_CORRECTIONS", 2)
    corrections = Corrections(tmp_path, FASHION)
    for seed in range(2):
        corrections.save("Trouser", _random_image(seed))
    with pytest.raises(
        DataError, match=r"contains 2 corrections; expected fewer than 2 .* collect into a new folder"
    ):
        corrections.save("Trouser", _random_image(2))
    corrections.save("Ankle boot", _random_image(0))
    assert corrections.count() == 2


def test_unknown_label_or_invalid_image_is_rejected(tmp_path: Path) -> None:
    """The error for an unknown class suggests the nearest; invalid pixels are rejected."""
    corrections = Corrections(tmp_path, FASHION)
    with pytest.raises(DataError, match="Did you mean 'Trouser'"):
        corrections.save("Trousers", _random_image(0))
    with pytest.raises(DataError, match=r"shape \(28, 28\); expected uint8 of shape"):
        corrections.save("Trouser", _random_image(0)[..., 0])
    assert corrections.count() == 0


@pytest.mark.parametrize(
    ("create_content", "message"),
    [
        (lambda folder: folder.write_bytes(b""), "File exists"),
        (
            lambda folder: folder.symlink_to(folder.parent / "else"),
            "is a link to .*else; expected the folder of corrections itself",
        ),
        (
            lambda folder: (folder / "holiday").mkdir(parents=True),
            "contains 'holiday', which is not a class folder",
        ),
        (
            lambda folder: (folder / "Trouser").mkdir(parents=True) or (folder / "a.png").write_bytes(b""),
            "contains 'a.png'",
        ),
        (
            lambda folder: folder.mkdir() or (folder / "Trouser").symlink_to(folder.parent),
            "contains 'Trouser'",
        ),
        (
            lambda folder: (folder / ".lock").mkdir(parents=True),
            "Is a directory; expected a writable folder",
        ),
    ],
)
def test_folder_with_other_content_is_rejected(
    tmp_path: Path, create_content: Callable[[Path], object], message: str
) -> None:
    """A file, a link, an unwritable folder and one with other content are rejected and unchanged."""
    create_content(tmp_path / "top")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=message):
        Corrections(tmp_path / "top", FASHION)
    assert sorted(tmp_path.rglob("*")) == before


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    """A class folder that was replaced by a link is rejected, and nothing is written to its target."""
    corrections = Corrections(tmp_path / "top", FASHION)
    (tmp_path / "else").mkdir()
    (tmp_path / "top" / "Trouser").symlink_to(tmp_path / "else")
    with pytest.raises(DataError, match="was replaced by a link"):
        corrections.save("Trouser", _random_image(0))
    assert not list((tmp_path / "else").iterdir())


def test_other_files_are_ignored(tmp_path: Path) -> None:
    """Text files and hidden files are ignored and unchanged."""
    (tmp_path / "README.txt").write_text("ours")
    (tmp_path / ".git").mkdir()
    corrections = Corrections(tmp_path, FASHION)
    corrections.save("Trouser", _random_image(0))
    assert (tmp_path / "README.txt").read_text() == "ours"
