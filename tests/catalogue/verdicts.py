"""Have the verifier judge a row of the tables, and compare with what the row says."""

from __future__ import annotations

import re

from resnet_verify.checks import select_checks
from resnet_verify.examine import Examination
from resnet_verify.target import Target


def judge(entry, *families, factory=None):
    """The verdict by the checks of some families, all where none is named."""
    target = Target(entry.id, factory or entry.factory)
    examination = Examination(target, **dict(getattr(entry, "options", {})))
    results = [examination.run(check) for check in select_checks(families)]
    errors = [f"{result.id}: {result.message}" for result in results if result.outcome == "error"]
    assert errors == []
    return examination.verdict(results)


def assert_caught_and_named(entry):
    """The mistake is found, and the first diagnosis is about it."""
    verdict = judge(entry, "STR", "PAR")
    if not verdict.diagnoses:  # what cannot be seen in the graph
        verdict = judge(entry)
    assert verdict.judgement == "defect"
    first = verdict.diagnoses[0]
    assert any(re.search(word, first.message, re.IGNORECASE) for word in entry.keywords)
    assert re.search(entry.where, f"{first.message} {first.where}")


def assert_conforms(entry):
    """Nothing is found, and the network is identified as what it is."""
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
