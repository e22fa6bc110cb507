"""Folders of image files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from optotype.data.sources.folders import scan_folder
from optotype.data.sources.listing import Listing
from optotype.errors import DataError
from optotype.progress import ignore_progress
from tests.data.picture_files import names, write


def _listing(folder: Path) -> Listing:
    return scan_folder(folder).read_listing(folder, ignore_progress)


def _skipped_reasons(folder: Path) -> dict[str, str]:
    return {skipped.file: skipped.reason for skipped in _listing(folder).skipped}


def test_image_files_have_name_and_path(tmp_path: Path) -> None:
    """Every image file has a name relative to the folder and its path."""
    locations = [row.location for row in _listing(write(tmp_path, names(2))).splits["train"]]
    assert [row.file for row in locations] == names(2)
    assert all(Path(row.path).read_bytes() == (tmp_path / row.file).read_bytes() for row in locations)


def test_other_files_are_ignored(tmp_path: Path) -> None:
    """Text files, hidden files and files of operating systems are ignored."""
    write(tmp_path, names(1))
    for name in ("notes.txt", "Thumbs.db", ".DS_Store", "._0.png", ".ipynb_checkpoints/0-checkpoint.png"):
        (tmp_path / "cat" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "cat" / name).write_bytes(b"")
    write(tmp_path / "__MACOSX", names(1))
    listing = _listing(tmp_path)
    assert len(listing.splits["train"]) == 2
    assert listing.skipped == ()


def test_only_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    """A link to a file inside is followed; one out of the folder, to a folder, to nothing or to itself is unusable."""
    folder = write(tmp_path / "pets", names(1))
    write(tmp_path, ["secret.png"])
    (folder / "cat" / "in.png").symlink_to(folder / "dog" / "0.png")
    (folder / "cat" / "out.png").symlink_to(tmp_path / "secret.png")
    (folder / "cat" / "gone.png").symlink_to("nowhere.png")
    (folder / "cat" / "loop").symlink_to(folder)
    (folder / "cat" / "self.png").symlink_to("self.png")
    bad = _skipped_reasons(folder)
    assert bad.pop("cat/out.png") == "is a link out of the folder"
    assert bad.pop("cat/loop") == "is a link to a folder, which is not followed"
    assert bad.pop("cat/gone.png").startswith("is a link that leads nowhere")
    assert bad.pop("cat/self.png").startswith("is a link that leads nowhere")
    assert bad == {}
    assert len(_listing(folder).splits["train"]) == 3


def test_folder_that_is_a_link_is_accepted(tmp_path: Path) -> None:
    """The folder that the user passes may itself be hidden or a link."""
    (tmp_path / "link").symlink_to(write(tmp_path / "pets", names(1)))
    assert len(_listing(tmp_path / "link").splits["train"]) == 2


def test_named_pipe_is_unusable(tmp_path: Path) -> None:
    """A named pipe with the name of an image file is unusable, and nothing waits for it."""
    os.mkfifo(write(tmp_path, names(1)) / "cat" / "pipe.png")
    assert _skipped_reasons(tmp_path) == {"cat/pipe.png": "is not a regular file"}


def test_unreadable_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable subfolder is listed by name; an unreadable folder is an error."""
    write(tmp_path, [*names(1), "dog/private/1.png"])
    scandir = os.scandir

    def failing_scandir(path: str) -> object:
        if path.endswith(unreadable):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing_scandir)
    unreadable = "private/"
    assert _skipped_reasons(tmp_path) == {"dog/private": "cannot be read: Permission denied"}
    unreadable = "/"
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        scan_folder(tmp_path)


def test_output_of_optotype_is_not_a_class(tmp_path: Path) -> None:
    """Contact sheets and runs among the class folders change neither the listing nor the signature."""
    before = scan_folder(write(tmp_path, names(1)))
    write(tmp_path, ["sheets/sheet.png", "runs/a/loss.png", "runs/a/accuracy.png", "cat/sheet.png"])
    for mark in ("sheets/.optotype", "runs/test-openings.jsonl", "runs/a/run.json", "cat/.optotype"):
        (tmp_path / mark).touch()
    after = scan_folder(tmp_path)
    assert after.signature == before.signature
    assert after.read_listing(tmp_path, ignore_progress) == before.read_listing(tmp_path, ignore_progress)


def test_user_images_in_output_folders_are_used(tmp_path: Path) -> None:
    """In a marked folder, other image files are used; so is a sheet.png in an unmarked folder."""
    write(tmp_path, [*names(1), "runs/a/loss.png", "runs/a/owl.png", "cow/sheet.png"])
    (tmp_path / "runs" / "a" / "run.json").touch()
    files = [row.location.file for row in _listing(tmp_path).splits["train"]]
    assert files == ["cat/0.png", "cow/sheet.png", "dog/0.png", "runs/a/owl.png"]


def _touch(folder: Path) -> None:
    os.utime(folder / "cat" / "0.png", ns=(1, 1))


def _grow(folder: Path) -> None:
    path = folder / "cat" / "0.png"
    times = path.stat()
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _add(folder: Path) -> None:
    (folder / "dog" / "new.png").write_bytes(b"")


def _remove(folder: Path) -> None:
    (folder / "dog" / "1.png").unlink()


def _rename(folder: Path) -> None:
    (folder / "dog").rename(folder / "hound")


def _empty_class(folder: Path) -> None:
    (folder / "cow").mkdir()


@pytest.mark.parametrize("change", [_touch, _grow, _add, _remove, _rename, _empty_class])
def test_any_change_changes_the_signature(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Another time, size or name, an added or a removed file change the signature; nothing else does."""
    write(tmp_path, names(2))
    before = scan_folder(tmp_path).signature
    assert scan_folder(tmp_path).signature == before
    change(tmp_path)
    assert scan_folder(tmp_path).signature != before
