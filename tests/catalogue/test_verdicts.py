"""The measure of the verifier: every broken network caught and named, every right one let pass."""

import pytest

paddle = pytest.importorskip("paddle")

from tests.catalogue.index import BROKEN, CORRECT  # noqa: E402
from tests.catalogue.rename import rename_catalogue, renamed  # noqa: E402
from tests.catalogue.sample import sampled  # noqa: E402
from tests.catalogue.verdicts import assert_caught_and_named, assert_conforms, judge  # noqa: E402

# The older Paddle is captured and run by code of its own; what is behind it is the same.
SAMPLE = 5 if paddle.__version__.startswith("3") else 8


@pytest.mark.parametrize("entry", sampled(BROKEN, SAMPLE), ids=lambda entry: entry.id)
def test_a_broken_network_is_caught_and_its_mistake_named_first(entry):
    assert_caught_and_named(entry)


@pytest.mark.parametrize("entry", sampled(CORRECT, SAMPLE), ids=lambda entry: entry.id)
def test_a_right_network_conforms_and_is_identified(entry):
    assert_conforms(entry)


@pytest.fixture(scope="module")
def renamed_package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("renamed")
    rename_catalogue(folder, "renamed_for_verdicts", seed=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield "renamed_for_verdicts"


@pytest.mark.parametrize("entry", [*BROKEN[3::40], *CORRECT[2::20]], ids=lambda entry: entry.id)
def test_a_verdict_does_not_depend_on_names(entry, renamed_package):
    as_written = judge(entry, "STR", "PAR")
    with_other_names = judge(entry, "STR", "PAR", factory=renamed(entry.factory, renamed_package))
    # The target's own names are only told to its author.
    for verdict in (as_written, with_other_names):
        assert all("STR" in d.check or "PAR" in d.check for d in verdict.diagnoses)
    assert with_other_names.identified == as_written.identified
    assert with_other_names.params == as_written.params
    assert [(d.check, d.expected) for d in with_other_names.diagnoses] == [
        (d.check, d.expected) for d in as_written.diagnoses
    ]
