"""CSV manifests."""

import os
from pathlib import Path

import pytest

from optotype.data.sources.listing import Listing
from optotype.data.sources.manifests import scan_csv
from optotype.errors import DataError
from optotype.progress import ignore_progress
from tests.data.picture_files import names, write

HEAD = "path,label,split\n"


def _manifest(folder: Path, text: str) -> Path:
    path = write(folder, names(2, below="images/")) / "pets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _list(folder: Path, text: str) -> Listing:
    return scan_csv(_manifest(folder, text)).read_listing(folder, ignore_progress)


def test_rows_are_images_in_order(tmp_path: Path) -> None:
    """Labels and splits come from columns in any order; other columns, blank lines and a BOM do not matter."""
    lines = (
        "\ufeffsplit,Label,note, path\n",
        "test,b,,images/dog/0.png",
        ",a,x,images/cat/1.png",
        "val,a,,./images/cat/0.png",
        "train,b,y,images/dog/1.png",
    )
    listing = _list(tmp_path, "\n".join(lines))
    assert listing.class_names == ("a", "b")
    files = {split: [row.location.file for row in rows] for split, rows in listing.splits.items()}
    assert files == {
        "train": ["images/cat/1.png", "images/dog/1.png"],
        "validation": ["images/cat/0.png"],
        "test": ["images/dog/0.png"],
    }
    assert [row.label for row in listing.splits["train"]] == [0, 1]


def test_split_column_is_optional(tmp_path: Path) -> None:
    """Without a split column, all images are for training."""
    listing = _list(tmp_path, "path,label\nimages/cat/0.png,10\nimages/cat/1.png,9\n")
    assert listing.class_names == ("9", "10")
    assert len(listing.splits["train"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns none; expected one named path"),
        ("file,label\n", "has the columns file, label; expected one named path"),
        ("path,path,label\n", "expected one named path"),
        (f"{HEAD}images/cat/0.png,,\n", "Row 1 of .*pets.csv has no label"),
        (f"{HEAD}images/cat/0.png\n", "Row 1 of .* has no label"),
        (f"{HEAD},a,\n", "Row 1 of .* has no path"),
        (
            f"{HEAD}images/cat/0.png,a,dev\n",
            "Row 1 of .* has the split 'dev'; expected one of train, training, val",
        ),
        (f"{HEAD}images/cat/0.png,a,b,test\n", "Row 1 of .* has 4 cells; expected 3"),
        (f"{HEAD}images/cat/0.png,a,\n../x.png,a,\n", r"Row 2 of .* has the path '\.\./x.png'"),
        (f"{HEAD}images/../../x.png,a,\n", "expected a path relative to the manifest's folder and inside it"),
        (f"{HEAD}/etc/passwd,a,\n", "has the path '/etc/passwd'"),
        (
            f"{HEAD}images/cat/0.png,a,\nimages//cat/0.png,b,\n",
            "Row 2 of .* repeats the path 'images/cat/0.png' of row 1",
        ),
        (f"{HEAD}images/cat/0.png,a,\n", "single class 'a'"),
        (HEAD, "has no training image"),
        (f'{HEAD}"images/cat/0.png', "cannot be read as CSV"),
        (f"{HEAD}{'x' * 200_000},a,\n", "cannot be read as CSV"),
    ],
)
def test_invalid_rows_are_reported(tmp_path: Path, text: str, message: str) -> None:
    """Every fault of a manifest is reported with the row and its value."""
    with pytest.raises(DataError, match=message):
        _list(tmp_path, text)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"path,label\n\xff,a\n"])
def test_other_encodings_are_rejected(tmp_path: Path, content: bytes) -> None:
    """A table that is not UTF-8 is rejected."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as CSV"):
        scan_csv(tmp_path / "a.csv")


def test_unusable_files_are_listed(tmp_path: Path) -> None:
    """A missing file, a link out of the folder, a folder and a pipe are unusable files, not a faulty manifest."""
    rows = "".join(f"{name},{name[7:10]},\n" for name in names(2, below="images/"))
    (tmp_path / "secret.png").write_bytes(b"")
    (tmp_path / "pets" / "images").mkdir(parents=True)
    (tmp_path / "pets" / "images" / "out.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(tmp_path / "pets" / "images" / "pipe.png")
    bad = _list(
        tmp_path / "pets",
        f"{HEAD}{rows}images/gone.png,cat,\nimages/out.png,dog,\nimages,cat,\nimages/pipe.png,dog,\n",
    ).skipped
    assert {skipped.file: skipped.reason for skipped in bad} == {
        "images/gone.png": "cannot be read: No such file or directory",
        "images": "is not a regular file",
        "images/pipe.png": "is not a regular file",
        "images/out.png": "is a link out of the folder",
    }


def test_any_change_changes_the_signature(tmp_path: Path) -> None:
    """The signature depends on the rows and on the files that they list."""
    text = "path,label\nimages/cat/0.png,a\nimages/cat/1.png,b\n"
    before = scan_csv(_manifest(tmp_path, text)).signature
    assert scan_csv(tmp_path / "pets.csv").signature == before
    os.utime(tmp_path / "images/cat/0.png", ns=(1, 1))
    touched = scan_csv(tmp_path / "pets.csv").signature
    (tmp_path / "pets.csv").write_text(text.replace(",b", ",c"))
    assert len({before, touched, scan_csv(tmp_path / "pets.csv").signature}) == 3
