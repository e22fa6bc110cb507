"""The catalogue of named data sets."""

import re

import pytest

from optotype.data.named.catalogue import CATALOGUE
from optotype.data.named.unpacking import unpack_cifar


def test_catalogue_has_the_known_data_sets() -> None:
    """Each data set has its known number of classes with distinct names, and images of the known shape."""
    sizes = {name: (len(set(named.class_names)), named.shape) for name, named in CATALOGUE.items()}
    assert sizes == {
        "mnist": (10, (28, 28, 1)),
        "fashion-mnist": (10, (28, 28, 1)),
        "kmnist": (10, (28, 28, 1)),
        "emnist-letters": (26, (28, 28, 1)),
        "emnist-balanced": (47, (28, 28, 1)),
        "cifar10": (10, (32, 32, 3)),
        "cifar100": (100, (32, 32, 3)),
    }
    assert all(len(named.class_names) == len(set(named.class_names)) for named in CATALOGUE.values())


@pytest.mark.parametrize("name", CATALOGUE)
def test_data_set_has_licence_and_citation(name: str) -> None:
    """Each data set has a licence, and a citation with authors and year."""
    named = CATALOGUE[name]
    assert named.licence
    assert re.match(r"[A-Z]\. \w+.*: .*(19|20)\d\d", named.citation)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name != "mnist"])
def test_data_set_files_have_size_hash_and_addresses(name: str) -> None:
    """Each file has a size, a SHA-256 and https addresses that end in its name, and can be unpacked."""
    named = CATALOGUE[name]
    assert named.unpack is not None
    assert named.files
    for remote in named.files:
        assert remote.size > 1000
        assert re.fullmatch("[0-9a-f]{64}", remote.sha256)
        assert remote.urls
        assert all(url.startswith("https://") and url.endswith(f"/{remote.name}") for url in remote.urls)


def test_both_emnist_sets_share_one_archive() -> None:
    """Both data sets of EMNIST are in the same archive."""
    assert CATALOGUE["emnist-letters"].files == CATALOGUE["emnist-balanced"].files


def test_cifar_uses_the_binary_format() -> None:
    """Both data sets of CIFAR use the binary format, which contains no code."""
    for name in ("cifar10", "cifar100"):
        named = CATALOGUE[name]
        assert getattr(named.unpack, "func", None) is unpack_cifar
        assert all("binary" in remote.name for remote in named.files)
