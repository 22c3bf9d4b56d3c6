"""The renamed copy of the catalogue computes what the catalogue does."""

from __future__ import annotations

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")

from tests.catalogue.index import BROKEN, CORRECT  # noqa: E402
from tests.catalogue.measure import batch, first_array  # noqa: E402
from tests.catalogue.rename import rename_catalogue, renamed  # noqa: E402


def first_of_each_module(entries):
    found = {}
    for entry in entries:
        found.setdefault(entry.factory.__module__, entry)
    return list(found.values())


SAMPLE = first_of_each_module(BROKEN) + first_of_each_module(CORRECT)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    directory = tmp_path_factory.mktemp("renamed")
    names = rename_catalogue(directory, "renamed_catalogue", seed=11)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(directory))
        yield "renamed_catalogue", names


def build(factory):
    paddle.seed(7)
    net = factory()
    net.eval()
    return net


@pytest.mark.parametrize("entry", SAMPLE, ids=lambda entry: entry.id)
def test_same_function_other_names(entry, package):
    outputs = []
    for factory in (entry.factory, renamed(entry.factory, package[0])):
        net = build(factory)
        with paddle.no_grad():
            outputs.append(first_array(net(batch(entry))))
    np.testing.assert_array_equal(*outputs)


def test_names_really_change(package):
    name, names = package
    assert {"conv1", "bn1", "downsample", "layer1", "fc", "ResNet", "_make_layer"} <= set(names)
    assert not set(names) & {"forward", "weight", "bias", "_epsilon"}
    entry = next(entry for entry in CORRECT if entry.id == "resnet18")
    kept = {key.split(".")[0] for key in build(entry.factory).state_dict()}
    assert not kept & {
        key.split(".")[0] for key in build(renamed(entry.factory, name)).state_dict()
    }


def test_two_seeds_give_two_sets_of_names(tmp_path):
    first = rename_catalogue(tmp_path / "a", "first", seed=1)
    second = rename_catalogue(tmp_path / "b", "second", seed=2)
    assert set(first) == set(second)
    assert not set(first.values()) & set(second.values())
