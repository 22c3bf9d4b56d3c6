"""Verdicts as text and as data."""

from dataclasses import replace

from resnet_verify.judge import merge
from resnet_verify.report import cause_of, verdict_text
from resnet_verify.report_json import from_wire, to_wire
from resnet_verify.verdict import CheckResult, Diagnosis, Identity, ParameterTotals, Verdict

FORM = Identity("resnet18", "v1", None, 3, "cifar", "none", 16)
TOTALS = ParameterTotals(10, 2)


def verdict(judgement="conforming", checks=(), diagnoses=(), **changes):
    return Verdict(
        **{
            "target": "m:f",
            "framework": "fake",
            "framework_version": "1",
            "judgement": judgement,
            "identified": FORM,
            "params": TOTALS,
            "diagnoses": tuple(diagnoses),
            "advice": (),
            "seconds": 1.0,
            "checks": tuple(checks),
            **changes,
        }
    )


def failed(check_id, *messages):
    found = [Diagnosis(check_id, "stem", "a", "b", message, "x.y", "z") for message in messages]
    result = CheckResult(check_id, "failed", 1.0, messages[0], "again", tuple(found))
    return verdict("defect", [result], found)


def test_a_backbone_has_no_classes():
    assert "resnet18 v1, cifar stem, head: none, 3 input channels, output stride 16" in (
        verdict_text(verdict())
    )


def test_further_diagnoses_come_once_for_each_check(fake):
    both = merge([failed("NUM-EVAL", "two", "three"), failed("STR-STEM", "one")])
    lines = verdict_text(both).splitlines()
    assert lines[lines.index("also") + 1 :] == ["  NUM-EVAL two (and 1 more)"]


def test_merging_orders_by_cause_and_takes_the_worst(fake):
    passed = verdict(checks=[CheckResult("GPU-ONLY", "passed", 1.0)])
    merged = merge([passed, failed("NUM-EVAL", "two"), failed("STR-STEM", "one")])
    assert merged.judgement == "defect"
    assert [check.id for check in merged.checks] == ["STR-STEM", "NUM-EVAL", "GPU-ONLY"]
    assert [diagnosis.message for diagnosis in merged.diagnoses] == ["one", "two"]
    assert merged.seconds == 3.0
    unsure = verdict("error", [CheckResult("STR-STEM", "not_run", 0.0, "why")])
    assert merge([passed, unsure]).judgement == "error"
    assert cause_of(merge([passed, unsure])) == "STR-STEM: why"


def test_a_verdict_survives_the_wire():
    for original in (failed("STR-STEM", "one"), verdict(identified=None, params=None)):
        assert from_wire(to_wire(original)) == original
    assert from_wire(to_wire(replace(verdict(), advice=("a",)))).advice == ("a",)
