"""The measure of the verifier: every broken network caught and named, every right one let pass."""

import re

import pytest

paddle = pytest.importorskip("paddle")

from resnet_verify.checks import select_checks  # noqa: E402
from resnet_verify.examine import Examination  # noqa: E402
from resnet_verify.target import Target  # noqa: E402
from tests.catalogue.index import BROKEN, CORRECT  # noqa: E402
from tests.catalogue.rename import rename_catalogue, renamed  # noqa: E402

# The older Paddle is captured and run by code of its own; what is behind it is the same.
SAMPLE = 1 if paddle.__version__.startswith("3") else 4


def judge(entry, *families, factory=None):
    target = Target(entry.id, factory or entry.factory)
    examination = Examination(target, **dict(getattr(entry, "options", {})))
    results = [examination.run(check) for check in select_checks(families)]
    errors = [f"{result.id}: {result.message}" for result in results if result.outcome == "error"]
    assert errors == []
    return examination.verdict(results)


@pytest.mark.parametrize("entry", BROKEN[::SAMPLE], ids=lambda entry: entry.id)
def test_a_broken_network_is_caught_and_its_mistake_named_first(entry):
    verdict = judge(entry, "STR", "PAR")
    if not verdict.diagnoses:  # what cannot be seen in the graph
        verdict = judge(entry)
    assert verdict.judgement == "defect"
    first = verdict.diagnoses[0]
    assert any(re.search(word, first.message, re.IGNORECASE) for word in entry.keywords)
    assert re.search(entry.where, f"{first.message} {first.where}")


@pytest.mark.parametrize("entry", CORRECT[::SAMPLE], ids=lambda entry: entry.id)
def test_a_right_network_conforms_and_is_identified(entry):
    verdict = judge(entry)
    assert [diagnosis.message for diagnosis in verdict.diagnoses] == []
    assert verdict.judgement == "conforming"
    found = verdict.identified
    assert (found.arch, found.variant) == (entry.arch, entry.variant)
    assert (found.stem, found.head, found.output_stride) == (
        entry.stem,
        entry.head,
        entry.output_stride,
    )
    assert (found.num_classes, found.in_channels) == (entry.num_classes, entry.in_channels)


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
