"""Write what was measured into docs/detection-power.md and resnet_verify/checks/power.tsv.

    python -m tests.benchmarks.report build/power.jsonl build/graphs.jsonl

The page's words stay; what stands between its marks is made from the measurements.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median

from resnet_verify.checks import all_checks
from tests.mutation.draw import MISTAKES
from tests.mutation.equivalent import EQUIVALENT

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "detection-power.md"
POWER = ROOT / "resnet_verify" / "checks" / "power.tsv"


def main():
    known = {mistake.id for mistake in MISTAKES}
    rows = [json.loads(line) for path in sys.argv[1:] for line in Path(path).read_text().split("\n")
            if line]  # fmt: skip
    rows = [row for row in rows if row["mistake"] in known]
    sections = {
        "totals": totals(rows),
        "checks": check_table(rows),
        "mistakes": mistake_table(rows),
        "misses": misses(rows),
        "equivalent": table(
            ("Change", "Why it changes nothing"), [(m.id, m.words) for m in EQUIVALENT]
        ),
    }
    page = PAGE.read_text()
    for name, text in sections.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
        page = mark.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    PAGE.write_text(page)
    POWER.write_text(power_tsv(rows))


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def share(part, whole):
    return f"{part / whole:.1%} ({part} of {whole})" if whole else "-"


def totals(rows):
    lines = []
    for framework in dict.fromkeys(row["framework"] for row in rows):
        own = [row for row in rows if row["framework"] == framework]
        caught = [row for row in own if row["judgement"] == "defect"]
        lines.append((
            {"none": "none (graphs)"}.get(framework, framework),
            len({row["mistake"] for row in own}),
            len({(row["arch"], row["variant"]) for row in own}),
            len(own),
            share(len(caught), len(own)),
            share(sum(row["judgement"] == "error" for row in own), len(own)),
            share(sum(row["named"] for row in caught), len(caught)),
        ))  # fmt: skip
    head = ("Framework", "Mistakes", "Forms", "Networks", "Defect", "Could not be judged",
            "First diagnosis right")  # fmt: skip
    return table(head, lines)


def found_by(rows):
    """The kinds of mistakes that each check fails on, and those that it is the first to name."""
    finds, names = defaultdict(set), defaultdict(set)
    for row in rows:
        for check in row["failed"]:
            finds[check].add(row["mistake"])
        names[row["first"].partition(":")[0]].add(row["mistake"])
    return finds, names


def check_table(rows):
    finds, names = found_by(rows)
    alone = defaultdict(set)
    for row in rows:
        if len(row["failed"]) == 1 and row["framework"] != "none":
            alone[row["failed"][0]].add(row["mistake"])
    planted = len({row["mistake"] for row in rows})
    seconds = defaultdict(list)
    for row in rows:
        for check, spent in row["seconds"].items():
            seconds[check].append(spent)
    head = ("Check", "Finds", "Score", "First to name", "Alone on", "Median ms")
    return table(head, [
        (f"`{check}`", len(finds[check]), f"{len(finds[check]) / planted:.0%}", len(names[check]),
         len(alone[check]), f"{1000 * median(seconds[check]):.0f}" if seconds[check] else "-")
        for check in by_default()
    ])  # fmt: skip


def by_default():
    """The checks that run where none is selected, which are those that were measured."""
    return [name for name, check in all_checks().items() if not check.on_demand]


def power_tsv(rows):
    finds, names = found_by(rows)
    planted = len({row["mistake"] for row in rows})
    lines = ["check\tfinds\tnames\tplanted"]
    lines += [f"{c}\t{len(finds[c])}\t{len(names[c])}\t{planted}" for c in by_default()]
    return "\n".join([*lines, ""])


def mistake_table(rows):
    lines = []
    for mistake in MISTAKES:
        own = [row for row in rows if row["mistake"] == mistake.id]
        caught = [row for row in own if row["judgement"] == "defect"]
        by = Counter(check for row in own for check in row["failed"])
        lines.append((
            mistake.id, len(own), len(caught), sum(row["named"] for row in caught),
            ", ".join(f"{check} {count}" for check, count in by.most_common(6)),
        ))  # fmt: skip
    return table(("Mistake", "Planted", "Defect", "Named right", "Found by"), lines)


def misses(rows):
    wrong = [r for r in rows if r["judgement"] != "defect" or not r["named"]]
    groups = defaultdict(list)
    for row in wrong:
        kind = "misnamed" if row["judgement"] == "defect" else row["judgement"]
        groups[row["mistake"], row["framework"], kind].append(row)
    lines = []
    for (mistake, framework, kind), members in groups.items():
        said = members[0]["first"] or "; ".join(members[0]["unjudged"][:1])
        said = said.replace("|", "/").replace("\n", " ")[:160]
        lines.append((mistake, framework, kind, len(members), said))
    head = ("Mistake", "Framework", "Verdict", "Networks", "What was said")
    return table(head, lines) if lines else "None."


if __name__ == "__main__":
    main()
