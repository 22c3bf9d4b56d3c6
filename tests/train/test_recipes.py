"""The recipes: documented values, each with its source, all of them open to change."""

import pytest

from resnet_ref.layers import AvgPool
from resnet_ref.recipes import RECIPES, recipe, settings


@pytest.mark.parametrize("name", RECIPES)
def test_every_value_has_a_source(name):
    sources = recipe(name).sources
    assert sources.keys() == settings().keys()
    assert all(sources.values())


def test_the_documented_values_of_the_cifar10_run():
    one = recipe("cifar10-resnet18")
    assert (one.optimiser, one.learning_rate, one.batch_size, one.epochs) == (
        "adam", 0.001, 512, 100,
    )  # fmt: skip
    assert (one.size, one.mean, one.deviation) == (96, (127.5,), (127.5,))
    assert AvgPool((2, 2), (2, 2)) in one.network().head


def test_a_change_is_recorded():
    changed = recipe("smoke").override({"epochs": 2, "augmentation": "crop-flip"})
    assert (changed.epochs, changed.augmentation) == (2, "crop-flip")
    assert changed.sources["epochs"] == "given by the user"
    assert changed.sources["arch"] == recipe("smoke").sources["arch"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs is a positive number"),
        ({"optimiser": "adamw"}, "unknown optimiser 'adamw'; known: adam, sgd"),
        ({"arch": "resnet7"}, "unknown architecture 'resnet7'"),
        ({"mean": (1.0, 2.0)}, "mean has one value, or one for each of 1 channels"),
        ({"learning_rate": float("nan")}, "learning_rate is a positive number"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        recipe("smoke").override(changes)


def test_an_unknown_recipe_names_those_there_are():
    with pytest.raises(ValueError, match="known: cifar10-resnet18, fashion-mnist-resnet18"):
        recipe("imagenet")


def test_a_cosine_falls_from_epoch_to_epoch_as_in_the_source():
    rates = [recipe("cifar10-resnet50-finetune").rate(epoch) for epoch in range(5)]
    # mindspore.nn.cosine_decay_lr(1e-5, 1e-3, 5, 1, 5)
    expected = [0.001, 0.000905463, 0.000657963, 0.000352037, 0.000104537]
    assert rates == pytest.approx(expected, rel=1e-5)
    assert {recipe("cifar10-resnet18").rate(epoch) for epoch in range(3)} == {0.001}
