"""A verdict as text that a person reads: the verdict, the one cause, then the details."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from resnet_verify.checks import Check, all_checks
from resnet_verify.checks.power import Power
from resnet_verify.verdict import CheckResult, Diagnosis, Identity, ParameterTotals, Verdict

WIDTH = 100

_COLOURS = {"conforming": "32", "defect": "31", "error": "33", "title": "1"}


def verdict_text(verdict: Verdict, *, colour: bool = False, width: int = WIDTH) -> str:
    """All that is worth reading of a verdict."""
    sections = [summary_text(verdict, colour=colour)]
    if verdict.checks and verdict.diagnoses:
        sections.append(first_diagnosis_text(verdict, colour=colour, width=width))
    sections += list(_remainder(verdict))
    return "\n\n".join(sections)


def summary_text(verdict: Verdict, *, colour: bool = False) -> str:
    """The verdict, its cause in one sentence, the form, the totals, the checks."""
    word = _painted(f"{verdict.judgement:<12}", verdict.judgement, colour)
    rows = [f"{word} {_painted(verdict.target, 'title', colour)}"]
    if cause := cause_of(verdict):
        rows.append(row("cause", cause))
    rows += _identity_rows(verdict)
    if verdict.checks:
        rows.append(row("checks", _counts_text(verdict)))
    return "\n".join(rows)


def identity_text(verdict: Verdict, *, colour: bool = False) -> str:
    """What the network is, without the details of its mistakes."""
    rows = [_painted(verdict.target, "title", colour), *_identity_rows(verdict)]
    rows += [row("advice", advice) for advice in verdict.advice]
    if cause := cause_of(verdict):
        rows.append(row("but", cause))
    return "\n".join(rows)


def _identity_rows(verdict: Verdict) -> Iterator[str]:
    if verdict.identified is not None:
        label = "form" if verdict.judgement == "conforming" else "nearest"
        yield row(label, form_text(verdict.identified))
    if verdict.params is not None:
        yield row("parameters", totals_text(verdict.params))


def cause_of(verdict: Verdict) -> str:
    """The one sentence that says why a target does not conform; empty where it does."""
    if verdict.diagnoses:
        return verdict.diagnoses[0].message
    if verdict.judgement == "conforming":
        return ""
    unjudged = [c for c in verdict.checks if c.outcome in ("failed", "error", "not_run")]
    return f"{unjudged[0].id}: {unjudged[0].message}" if unjudged else ""


def form_text(identity: Identity) -> str:
    """The documented form in words, with what is orthogonal to its name."""
    head = identity.head
    if identity.num_classes is not None:
        head = f"{head} of {identity.num_classes} classes"
    return (
        f"{identity.arch} {identity.variant}, {identity.stem} stem, head: {head}, "
        f"{identity.in_channels} input channels, output stride {identity.output_stride}"
    )


def totals_text(params: ParameterTotals) -> str:
    """Both counting conventions: with running statistics and without."""
    return (
        f"{params.trainable:,} trainable + {params.buffers:,} running statistics = {params.total:,}"
    )


def first_diagnosis_text(verdict: Verdict, *, colour: bool = False, width: int = WIDTH) -> str:
    """The diagnosis that names the mistake, in full."""
    diagnosis = verdict.diagnoses[0]
    result = next((c for c in verdict.checks if c.id == diagnosis.check), None)
    tag = f"[{verdict.target}, {verdict.framework} {verdict.framework_version}]"
    reproduce = result.reproduce if result else ""
    return diagnosis_text(diagnosis, tag, reproduce, colour=colour, width=width)


def diagnosis_text(
    diagnosis: Diagnosis, tag: str, reproduce: str, *, colour: bool = False, width: int = WIDTH
) -> str:
    """One diagnosis: the check's promise, then where, expected, found, and how to see it again."""
    check = all_checks().get(diagnosis.check)
    title = f"{diagnosis.check}  {check.promise}" if check else diagnosis.check
    gap = " " * max(2, width - len(title) - len(tag))
    place = f"   (your {diagnosis.place})" if diagnosis.place else ""
    rows = {
        "where": f"{diagnosis.where}{place}",
        "expected": diagnosis.expected,
        "found": diagnosis.found,
        "meaning": diagnosis.meaning,
        "source": check.source if check else "",
        "reproduce": reproduce,
    }
    lines = [f"{_painted(title, 'title', colour)}{gap}{tag}"]
    if not (diagnosis.expected or diagnosis.found):
        rows = {"message": diagnosis.message, **rows}
    return "\n".join(lines + [row(label, text) for label, text in rows.items() if text])


def result_text(result: CheckResult, tag: str) -> str:
    """Why a check did not pass: its diagnoses in full, or its message."""
    blocks = [diagnosis_text(d, tag, result.reproduce) for d in result.diagnoses]
    return "\n\n".join(blocks) or _unjudged_text(result, tag)


def _unjudged_text(result: CheckResult, tag: str) -> str:
    check = all_checks().get(result.id)
    title = f"{result.id}  {check.promise}" if check else result.id
    label = result.outcome.replace("_", " ")
    rows = [f"{title}  {tag}", row(label, result.message), row("reproduce", result.reproduce)]
    return "\n".join(rows)


def check_text(check: Check) -> str:
    """A check in full, for `resnet-verify explain`."""
    parts = [f"{check.id}  {check.promise}", check.explanation, f"Source: {check.source}"]
    return "\n\n".join(part for part in parts if part)


def check_list(checks: Mapping[str, Check], powers: Mapping[str, Power]) -> str:
    """One line for each check: its id, its mutation score in percent, its promise."""
    width = max(map(len, checks))

    def score(check_id: str) -> str:
        return f"{powers[check_id].score:.0%}" if check_id in powers else "-"

    rows = [f"{c.id:<{width}}  {score(c.id):>4}  {c.promise}" for c in checks.values()]
    note = "The second column is the share of the planted kinds of mistakes that the check finds."
    return "\n".join([*rows, "", note])


def _remainder(verdict: Verdict) -> Iterator[str]:
    if len(verdict.diagnoses) > 1:
        yield "\n".join(["also", *_grouped(verdict.diagnoses[1:])])
    unjudged = [c for c in verdict.checks if c.outcome in ("not_run", "error")]
    if unjudged:
        yield "\n".join(["could not be judged", *_by_reason(unjudged)])
    if verdict.advice:
        yield "\n".join(["advice", *(f"  {advice}" for advice in verdict.advice)])


def _grouped(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """The first diagnosis of each check, and how many more that check has."""
    counts = Counter(diagnosis.check for diagnosis in diagnoses)
    first = {diagnosis.check: diagnosis for diagnosis in reversed(diagnoses)}
    rows = [
        (check, first[check].message + (f" (and {count - 1} more)" if count > 1 else ""))
        for check, count in counts.items()
    ]
    return _columns(rows)


def _by_reason(results: Sequence[CheckResult]) -> Iterator[str]:
    """Each reason once, and below it the checks that it kept from judging."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        reason = f"{result.outcome.replace('_', ' ')}: {result.message}"
        reasons.setdefault(reason, []).append(result.id)
    for reason, ids in reasons.items():
        yield f"  {reason}"
        yield textwrap.fill(", ".join(ids), WIDTH, initial_indent="    ", subsequent_indent="    ")


def _columns(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(label) for label, _ in rows)
    return (f"  {label:<{width}} {text}" for label, text in rows)


def _counts_text(verdict: Verdict) -> str:
    counts = Counter(result.outcome for result in verdict.checks)
    words = [f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items())]
    framework = f", {verdict.framework} {verdict.framework_version}" if verdict.framework else ""
    return f"{', '.join(words)} in {verdict.seconds:.1f} s{framework}"


def row(label: str, text: str) -> str:
    """One line below a title: its label, and what there is to say."""
    return f"  {label:<10} {text}"


def _painted(text: str, kind: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if colour else text
