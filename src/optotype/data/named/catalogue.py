"""The named data sets: classes, licence, citation, and the published files with their hashes.

Sizes and SHA-256 hashes are those that TensorFlow Datasets publishes, in tensorflow_datasets/url_checksums/
(fashion_mnist.txt, kmnist.txt, emnist.txt, cifar10.txt, cifar100.txt of github.com/tensorflow/datasets at 333639b).
The authors publish MD5 hashes at most.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from optotype.data.named.download import RemoteFile
from optotype.data.named.unpacking import SplitArrays, unpack_cifar, unpack_emnist, unpack_idx_files


@dataclass(frozen=True)
class NamedSet:
    """A named data set.

    Attributes:
        class_names: Name of each class.
        shape: Shape of an image, (height, width, channels).
        licence: Licence of the images, as stated by their authors.
        citation: The full reference.
        files: The published files; none if the package includes the data set.
        unpack: Reads these files, given the path of each; None if the package includes the data set.
    """

    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    licence: str
    citation: str
    files: tuple[RemoteFile, ...] = ()
    unpack: Callable[[Mapping[str, Path]], SplitArrays] | None = None


def _idx_files(folder: str, files: Mapping[str, tuple[int, str]]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(file, size, sha256, (folder + file,)) for file, (size, sha256) in files.items())


_EMNIST: Final = NamedSet(
    class_names=(),
    shape=(28, 28, 1),
    licence="not stated; made from NIST Special Database 19",
    citation="G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: an extension of MNIST to handwritten letters."
    " International Joint Conference on Neural Networks, 2017, arXiv:1702.05373",
)
_EMNIST_FILES: Final = (
    RemoteFile(
        "gzip.zip",
        561_753_746,
        "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        (
            "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
        ),
    ),
)
_CIFAR_LICENCE: Final = "not stated; the authors ask to be cited"
_CIFAR_CITATION: Final = (
    "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images."
    " Technical report, University of Toronto, 2009"
)
# The fine labels, as in fine_label_names.txt in the archive.
_CIFAR100: Final = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""

CATALOGUE: Final[Mapping[str, NamedSet]] = {
    "mnist": NamedSet(
        class_names=tuple("0123456789"),
        shape=(28, 28, 1),
        licence="CC BY-SA 3.0, Y. LeCun and C. Cortes",
        citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition."
        " Proceedings of the IEEE 86 (11), 1998, pages 2278-2324, doi:10.1109/5.726791",
    ),
    "fashion-mnist": NamedSet(
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        shape=(28, 28, 1),
        licence="MIT, Zalando SE",
        citation="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine"
        " Learning Algorithms. 2017, arXiv:1708.07747",
        # The authors' repository; their other address has no https.
        files=_idx_files(
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            {
                "train-images-idx3-ubyte.gz": (
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                "train-labels-idx1-ubyte.gz": (
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                "t10k-images-idx3-ubyte.gz": (
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            },
        ),
        unpack=unpack_idx_files,
    ),
    "kmnist": NamedSet(
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        shape=(28, 28, 1),
        licence="CC BY-SA 4.0, CODH",
        citation="T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha: Deep Learning for Classical"
        " Japanese Literature. 2018, arXiv:1812.01718. The attribution asked for: KMNIST Dataset (created by CODH),"
        " adapted from Kuzushiji Dataset (created by NIJL and others), doi:10.20676/00000341",
        files=_idx_files(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            {
                "train-images-idx3-ubyte.gz": (
                    18_165_135,
                    "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                ),
                "train-labels-idx1-ubyte.gz": (
                    29_497,
                    "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                ),
                "t10k-images-idx3-ubyte.gz": (
                    3_041_136,
                    "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    5_120,
                    "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
                ),
            },
        ),
        unpack=unpack_idx_files,
    ),
    "emnist-letters": replace(
        _EMNIST,
        # Upper and lower case of a letter are one class.
        class_names=tuple("abcdefghijklmnopqrstuvwxyz"),
        files=_EMNIST_FILES,
        unpack=partial(unpack_emnist, variant="letters", first_label=1),
    ),
    "emnist-balanced": replace(
        _EMNIST,
        # A lower-case letter has its own class if it looks different (emnist-balanced-mapping.txt in the archive).
        class_names=tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"),
        files=_EMNIST_FILES,
        unpack=partial(unpack_emnist, variant="balanced", first_label=0),
    ),
    "cifar10": NamedSet(
        class_names=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        shape=(32, 32, 3),
        licence=_CIFAR_LICENCE,
        citation=_CIFAR_CITATION,
        files=(
            RemoteFile(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                (
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
                ),
            ),
        ),
        unpack=partial(
            unpack_cifar,
            members={
                "train": tuple(f"cifar-10-batches-bin/data_batch_{batch}.bin" for batch in range(1, 6)),
                "test": ("cifar-10-batches-bin/test_batch.bin",),
            },
            labels=1,
        ),
    ),
    "cifar100": NamedSet(
        class_names=tuple(_CIFAR100.split()),
        shape=(32, 32, 3),
        licence=_CIFAR_LICENCE,
        citation=_CIFAR_CITATION,
        files=(
            RemoteFile(
                "cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                (
                    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                    "https://cave.cs.toronto.edu/kriz/cifar-100-binary.tar.gz",
                ),
            ),
        ),
        unpack=partial(
            unpack_cifar,
            members={"train": ("cifar-100-binary/train.bin",), "test": ("cifar-100-binary/test.bin",)},
            labels=2,
        ),
    ),
}
"""The data sets in the order in which they are listed."""
