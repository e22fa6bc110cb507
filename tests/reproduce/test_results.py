import json
from pathlib import Path

import optotype as ot
from reproduce.__main__ import missing
from reproduce.results import add_trainings, path, read, with_common_seeds
from tests.reproduce.examples import results, training


def test_trainings_are_merged_by_seed(tmp_path: Path) -> None:
    """Trainings that are saved one after the other are merged, sorted by seed; a newer one replaces an older one."""
    for seed, accuracy in ((2, 0.98), (0, 0.97), (2, 0.99)):
        add_trainings(results("mlp-784", "keras", [training(seed, accuracy)]), tmp_path)
    merged = read("mlp-784", "keras", tmp_path)
    assert merged == results("mlp-784", "keras", [training(0, 0.97), training(2, 0.99)])


def test_changed_recipe_replaces_earlier_trainings(tmp_path: Path) -> None:
    """Trainings of another definition of the recipe are not mixed with the new ones."""
    old = results("mlp-784", "keras", [training(0, 0.5)])
    add_trainings(old.model_copy(update={"definition": {**old.definition, "epochs": 1}}), tmp_path)
    merged = add_trainings(results("mlp-784", "keras", [training(1, 0.98)]), tmp_path)
    assert [entry.seed for entry in merged.trainings] == [1]


def test_results_without_a_new_setting_get_its_default(tmp_path: Path) -> None:
    """Results that were saved before a recipe setting existed have the default of that setting."""
    saved = results("cnn-small", "keras", [training(0, 0.98)])
    add_trainings(saved, tmp_path)
    file = path("cnn-small", "keras", tmp_path)
    document = json.loads(file.read_text())
    assert document["definition"]["layers"][0].pop("activation") == "relu"
    del document["definition"]["split_seed"]
    file.write_text(json.dumps(document))
    older = read("cnn-small", "keras", tmp_path)
    assert older is not None
    assert older.definition["split_seed"] == 0
    assert older.definition["layers"][0]["activation"] == "linear"
    assert older != saved


def test_writing_leaves_no_temporary_file(tmp_path: Path) -> None:
    """Writing leaves only the file itself in the folder."""
    add_trainings(results("mlp-784", "keras", [training(0, 0.98)]), tmp_path)
    assert list(tmp_path.iterdir()) == [path("mlp-784", "keras", tmp_path)]


def test_only_missing_seeds_are_trained(tmp_path: Path) -> None:
    """Only seeds without a result are trained; after a change of the recipe, all are."""
    recipe = ot.load_recipe("mlp-784")
    add_trainings(results("mlp-784", "keras", [training(0, 0.98), training(2, 0.98)]), tmp_path)
    assert [entry.seed for entry in missing(recipe, "keras", 0, tmp_path)] == [1, 3, 4]
    changed = recipe.override({"batch_size": 100})
    assert [entry.seed for entry in missing(changed, "keras", 6, tmp_path)] == [0, 1, 2, 3, 4, 5]


def test_precisions_are_counted_separately(tmp_path: Path) -> None:
    """Trainings in fp32 do not count for bf16, and Keras's results count for both."""
    add_trainings(results("mlp-784", "optotype-fp32", [training(seed, 0.98) for seed in range(10)]), tmp_path)
    add_trainings(results("mlp-784", "keras", [training(seed, 0.98) for seed in range(5)]), tmp_path)
    for precision in ("fp32", "bf16"):
        recipe = ot.load_recipe("mlp-784").override({"precision": precision})
        assert missing(recipe, "optotype-fp32", 0, tmp_path) == missing(recipe, "keras", 0, tmp_path) == []
        assert len(missing(recipe, "optotype-bf16", 0, tmp_path)) == 10


def test_same_seeds_are_compared() -> None:
    """Optotype's results are restricted to the seeds of Keras's results; without those, all are used."""
    optotype_results = results("mlp-784", "optotype-fp32", [training(seed, 0.98) for seed in range(4)])
    keras_results = results("mlp-784", "keras", [training(0, 0.98), training(2, 0.98)])
    common = with_common_seeds(optotype_results, keras_results)
    assert common is not None
    assert [entry.seed for entry in common.trainings] == [0, 2]
    assert with_common_seeds(optotype_results, None) == optotype_results


def test_recipe_with_more_seeds_trains_all_of_them(tmp_path: Path) -> None:
    """A recipe that requires more seeds is trained with all of them, even if fewer are requested."""
    assert len(missing(ot.load_recipe("mlp-32-16"), "keras", 0, tmp_path)) == 20
    assert len(missing(ot.load_recipe("cnn-large"), "optotype-bf16", 0, tmp_path)) == 30
    assert len(missing(ot.load_recipe("cnn-large"), "keras", 0, tmp_path)) == 5
