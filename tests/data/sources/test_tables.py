"""Parquet image tables and manifests."""

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from optotype.data.sources import spool, tables
from optotype.data.sources.listing import Listing
from optotype.data.sources.tables import scan_tables
from optotype.errors import DataError
from optotype.progress import ignore_progress
from tests.data.picture_files import names, picture, write


def _write(path: Path, columns: dict[str, Any], labels: list[str] | None = None) -> Path:
    """Write a table, with label names in the metadata of Hugging Face datasets."""
    table = pa.table(columns)
    if labels is not None:
        features = {"label": {"names": labels, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
        metadata = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": metadata})
    parquet.write_table(table, path)
    return path


def _images(n: int) -> list[dict[str, Any]]:
    return [{"bytes": picture(seed), "path": f"{seed}.png"} for seed in range(n)]


def _list(*paths: Path) -> Listing:
    folder = paths[0].parent / "spool"
    folder.mkdir(exist_ok=True)
    return scan_tables(paths[0].parent, paths).read_listing(folder, ignore_progress)


def test_image_table_is_read(tmp_path: Path) -> None:
    """Structs of bytes and path, with label names from metadata, give the image files byte for byte."""
    path = _write(tmp_path / "a.parquet", {"image": _images(4), "label": [1, 0, 1, 0]}, ["dog", "cat"])
    listing = _list(path)
    assert listing.class_names == ("cat", "dog")
    assert [row.label for row in listing.splits["train"]] == [0, 1, 0, 1]
    for seed, row in enumerate(listing.splits["train"]):
        assert row.location.file == f"a.parquet:{seed}"
        stored = Path(row.location.path).read_bytes()[row.location.offset :][: row.location.size]
        assert stored == picture(seed)


def test_plain_bytes_and_named_labels_are_read(tmp_path: Path) -> None:
    """Plain bytes, named labels, numbers without names and a split column are accepted."""
    content = [picture(seed) for seed in range(3)]
    split = ["train", "train", "test"]
    path = _write(tmp_path / "a.parquet", {"img": content, "label": ["b", "a", "b"], "split": split})
    assert _list(path).class_names == ("a", "b")
    assert len(_list(path).splits["test"]) == 1
    path = _write(tmp_path / "b.parquet", {"image": content, "label": [10, 9, 9]})
    assert _list(path).class_names == ("9", "10")


def test_file_names_determine_the_split(tmp_path: Path) -> None:
    """The word in a file's name is its split, as in Hugging Face repositories."""
    columns = {"image": _images(2), "label": [0, 1]}
    files = ("test-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002", "validation")
    listing = _list(*(_write(tmp_path / f"{name}.parquet", columns) for name in files))
    assert {split: len(rows) for split, rows in listing.splits.items()} == {
        "train": 4,
        "validation": 2,
        "test": 2,
    }


@pytest.mark.parametrize("name", ["test_0", "test0", "TEST.2", "pets-test-00000-of-00001", "Testing 1"])
def test_file_named_test_is_the_test_split(tmp_path: Path, name: str) -> None:
    """The word test is found in any combination of words and numbers in a name."""
    columns = {"image": _images(2), "label": [0, 1]}
    listing = _list(*(_write(tmp_path / f"{stem}.parquet", columns) for stem in ("train_0", name)))
    assert {split: len(rows) for split, rows in listing.splits.items()} == {
        "train": 2,
        "validation": 0,
        "test": 2,
    }


def test_file_without_a_split_among_others_is_rejected(tmp_path: Path) -> None:
    """If one file names its split, all must, or have a split column; if none does, all are for training."""
    columns = {"image": _images(2), "label": [0, 1]}
    test, unnamed = (_write(tmp_path / f"{name}.parquet", columns) for name in ("test", "more"))
    with pytest.raises(DataError, match=r"more\.parquet does not state its split"):
        _list(test, unnamed)
    _write(unnamed, columns | {"split": ["train", "train"]})
    assert len(_list(test, unnamed).splits["train"]) == 2
    assert len(_list(_write(tmp_path / "0.parquet", columns), unnamed).splits["train"]) == 4


def test_column_names_are_case_insensitive(tmp_path: Path) -> None:
    """Column names are case-insensitive, in tables and manifests; two that differ only by case are rejected."""
    write(tmp_path, names(2))
    split = ["train", "test"] * 2
    manifest = {"Path": names(2), "LABEL": [1, 1, 2, 2], "Split": split}
    assert len(_list(_write(tmp_path / "a.parquet", manifest)).splits["test"]) == 2
    table = {"Image": _images(4), "Label": [1, 1, 2, 2], " Split": split}
    assert len(_list(_write(tmp_path / "b.parquet", table)).splits["test"]) == 2
    with pytest.raises(DataError, match="the columns 'Label' and 'label'"):
        _list(_write(tmp_path / "c.parquet", table | {"label": [1] * 4}))


def test_parquet_manifest_is_read(tmp_path: Path) -> None:
    """Columns path and label make a manifest of image files."""
    write(tmp_path, names(1))
    path = _write(tmp_path / "pets.parquet", {"path": names(1), "label": [3, 4], "split": [None, ""]})
    listing = _list(path)
    assert [row.location.file for row in listing.splits["train"]] == names(1)
    assert listing.class_names == ("3", "4")


def test_unusable_rows_are_listed(tmp_path: Path) -> None:
    """A row without bytes, without a label or of an unknown split is unusable; the others are used."""
    images = [*_images(4), {"bytes": None, "path": "x.png"}]
    split = ["train", "train", "train", "dev", "train"]
    path = _write(tmp_path / "a.parquet", {"image": images, "label": [0, 1, None, 0, 0], "split": split})
    listing = _list(path)
    assert len(listing.splits["train"]) == 2
    assert [(skipped.file, skipped.reason) for skipped in listing.skipped] == [
        ("a.parquet:2", "has no label"),
        ("a.parquet:3", "has the split 'dev'"),
        ("a.parquet:4", "has no bytes of an image file"),
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1]}, "has the columns x; expected one named path"),
        ({"image": [b""]}, "has the columns image; expected image and label"),
        ({"image": [b"", b""], "label": [1, 1]}, "single class '1'"),
        ({"image": [b""][:0], "label": [1][:0]}, "has no training image"),
    ],
)
def test_other_tables_are_rejected(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    """A table that is neither an image table nor a manifest is rejected with its columns."""
    with pytest.raises(DataError, match=message):
        _list(_write(tmp_path / "a.parquet", columns))


def test_missing_pyarrow_error_has_the_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyArrow, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"pip install 'optotype\[parquet\]'"):
        scan_tables(tmp_path, [tmp_path / "a.parquet"])


def test_large_value_shared_by_many_rows_uses_limited_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that share one large value are read a few at a time, and rejected beyond the limit."""
    monkeypatch.setattr(tables, "_MAX_MEMORY", 16 << 20)
    monkeypatch.setattr(spool, "FREE_BYTES", 20 << 20)
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 128, pa.int32()), pa.array([bytes(8 << 20)]))
    table = pa.table({"image": shared, "label": [0, 1] * 64})
    parquet.write_table(table, tmp_path / "a.parquet", compression="zstd", store_schema=False)
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(DataError, match="unpacks to more than 20 MiB"):
        _list(tmp_path / "a.parquet")
    assert pa.default_memory_pool().max_memory() < before + (100 << 20)


def test_table_with_too_large_declared_size_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The declared size of the image column is checked before it is read."""
    monkeypatch.setattr(spool, "FREE_BYTES", 1 << 20)
    table = pa.table({"image": [bytes(8 << 20)], "label": [0]})
    parquet.write_table(table, tmp_path / "a.parquet", compression="zstd")
    monkeypatch.setattr(tables, "_rows", None)
    with pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        _list(tmp_path / "a.parquet")


def _is_listed_or_rejected(path: Path) -> bool:
    try:
        return len(_list(path).class_names) == 2
    except DataError as error:
        return str(path.parent) in str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(data=st.data())
def test_damaged_table_is_listed_or_rejected(tmp_path: Path, data: st.DataObject) -> None:
    """If bytes are changed or cut off, reading returns a listing or raises a DataError."""
    path = _write(tmp_path / "a.parquet", {"image": _images(2), "label": ["a", "b"]})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert _is_listed_or_rejected(path)
    for file in (tmp_path / "spool").glob("*"):
        file.unlink()
