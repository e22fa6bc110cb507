import json
from pathlib import Path

import optotype as ot
from reproduce.__main__ import missing
from reproduce.results import keep, path, read, shared
from tests.reproduce.examples import results, training


def test_trainings_are_merged_by_seed(tmp_path: Path) -> None:
    """Trainings kept one after the other are read back together, sorted by seed, the newer of a seed counting."""
    for seed, accuracy in ((2, 0.98), (0, 0.97), (2, 0.99)):
        keep(results("mlp-784", "keras", [training(seed, accuracy)]), tmp_path)
    found = read("mlp-784", "keras", tmp_path)
    assert found == results("mlp-784", "keras", [training(0, 0.97), training(2, 0.99)])


def test_changed_recipe_replaces_earlier_trainings(tmp_path: Path) -> None:
    """Trainings of another definition of the recipe are not mixed with the new ones."""
    old = results("mlp-784", "keras", [training(0, 0.5)])
    keep(old.model_copy(update={"definition": {**old.definition, "epochs": 1}}), tmp_path)
    kept = keep(results("mlp-784", "keras", [training(1, 0.98)]), tmp_path)
    assert [each.seed for each in kept.trainings] == [1]


def test_results_without_a_new_setting_get_its_default(tmp_path: Path) -> None:
    """Results that were kept before recipes had some setting count as results with its default."""
    found = results("cnn-small", "keras", [training(0, 0.98)])
    keep(found, tmp_path)
    file = path("cnn-small", "keras", tmp_path)
    kept = json.loads(file.read_text())
    assert kept["definition"]["layers"][0].pop("activation") == "relu"
    del kept["definition"]["split_seed"]
    file.write_text(json.dumps(kept))
    older = read("cnn-small", "keras", tmp_path)
    assert older is not None
    assert older.definition["split_seed"] == 0
    assert older.definition["layers"][0]["activation"] == "linear"
    assert older != found


def test_writing_leaves_no_temporary_file(tmp_path: Path) -> None:
    """Writing leaves nothing in the folder but the file itself."""
    keep(results("mlp-784", "keras", [training(0, 0.98)]), tmp_path)
    assert list(tmp_path.iterdir()) == [path("mlp-784", "keras", tmp_path)]


def test_only_missing_seeds_are_trained(tmp_path: Path) -> None:
    """Only seeds without a result are trained, and all of them once the recipe's definition has changed."""
    recipe = ot.load_recipe("mlp-784")
    keep(results("mlp-784", "keras", [training(0, 0.98), training(2, 0.98)]), tmp_path)
    assert [each.seed for each in missing(recipe, "keras", 0, tmp_path)] == [1, 3, 4]
    changed = recipe.override({"batch_size": 100})
    assert [each.seed for each in missing(changed, "keras", 6, tmp_path)] == [0, 1, 2, 3, 4, 5]


def test_precisions_are_counted_separately(tmp_path: Path) -> None:
    """What was trained in fp32 does not count as trained in bf16, and Keras's results hold for either."""
    keep(results("mlp-784", "optotype-fp32", [training(seed, 0.98) for seed in range(10)]), tmp_path)
    keep(results("mlp-784", "keras", [training(seed, 0.98) for seed in range(5)]), tmp_path)
    for precision in ("fp32", "bf16"):
        recipe = ot.load_recipe("mlp-784").override({"precision": precision})
        assert missing(recipe, "optotype-fp32", 0, tmp_path) == missing(recipe, "keras", 0, tmp_path) == []
        assert len(missing(recipe, "optotype-bf16", 0, tmp_path)) == 10


def test_same_seeds_are_compared() -> None:
    """Beside Keras's results stand those of ours that have the same seeds; without Keras's, all."""
    mine = results("mlp-784", "optotype-fp32", [training(seed, 0.98) for seed in range(4)])
    theirs = results("mlp-784", "keras", [training(0, 0.98), training(2, 0.98)])
    found = shared(mine, theirs)
    assert found is not None
    assert [each.seed for each in found.trainings] == [0, 2]
    assert shared(mine, None) == mine


def test_recipe_with_more_seeds_trains_all_of_them(tmp_path: Path) -> None:
    """A recipe listed as needing more seeds is trained with that many, whatever smaller number was asked for."""
    assert len(missing(ot.load_recipe("mlp-32-16"), "keras", 0, tmp_path)) == 20
    assert len(missing(ot.load_recipe("cnn-large"), "optotype-bf16", 0, tmp_path)) == 30
    assert len(missing(ot.load_recipe("cnn-large"), "keras", 0, tmp_path)) == 5
