"""The measure of the verifier on MindSpore: broken networks named, right ones let pass."""

import re

import pytest

pytest.importorskip("mindspore")

from resnet_verify.checks import select_checks
from resnet_verify.examine import Examination
from resnet_verify.target import Target
from tests.catalogue_mindspore.tables import BROKEN, CORRECT


def judge(entry, *families):
    examination = Examination(Target(entry.id, entry.factory))
    results = [examination.run(check) for check in select_checks(families)]
    errors = [f"{result.id}: {result.message}" for result in results if result.outcome == "error"]
    assert errors == []
    return examination.verdict(results)


@pytest.mark.parametrize("entry", BROKEN, ids=lambda entry: entry.id)
def test_a_broken_network_is_caught_and_its_mistake_named_first(entry):
    verdict = judge(entry, "STR", "PAR")
    if not verdict.diagnoses:  # what cannot be seen in the graph
        verdict = judge(entry)
    assert verdict.judgement == "defect"
    first = verdict.diagnoses[0]
    assert any(re.search(word, first.message, re.IGNORECASE) for word in entry.keywords)
    assert re.search(entry.where, f"{first.message} {first.where}")


@pytest.mark.parametrize("entry", CORRECT, ids=lambda entry: entry.id)
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
