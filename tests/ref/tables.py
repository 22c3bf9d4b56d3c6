"""The documented tables in tests/data, read."""

from dataclasses import dataclass, replace
from pathlib import Path

from resnet_ref import ResNetSpec, spec

DATA = Path(__file__).parent.parent / "data"


@dataclass(frozen=True)
class SummaryTable:
    """A table of paddle.summary: (name, input shape, output shape, params) rows, named totals."""

    rows: list[tuple[str, str, str, int]]
    totals: dict[str, str]


def lines(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (DATA / name).read_text().splitlines()]


def summary_table(name: str) -> SummaryTable:
    _, *rows = lines(f"{name}.summary.tsv")
    return SummaryTable(
        [(row[0], row[1], row[2], int(row[3])) for row in rows if not row[0].startswith("#")],
        {row[0].removeprefix("# "): row[1] for row in rows if row[0].startswith("#")},
    )


def joined(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))


def specs_of(form: str, depth: str) -> list[ResNetSpec]:
    """The specs that a row of parameter_totals.tsv speaks of."""
    arch = f"resnet{depth}"
    if form == "v1, v1.5":
        return [spec(arch, "v1"), spec(arch, "v1.5")]
    if form.startswith("projection without BN"):
        return [replace(spec(arch, "v1"), projection="conv")]
    if form.startswith("resnext"):
        return [spec(f"resnext{depth}_{form.split()[1]}")]
    if form.startswith("wide"):
        return [spec(f"wide_resnet{depth}_2")]
    if form == "d2l, 10 classes, 1 input channel":
        return [spec(arch, "d2l", num_classes=10, in_channels=1)]
    variants = {"vb (": "vb", "vd": "vd", "v2": "v2", "d2l": "d2l", "keras v1": "keras",
                "keras v2": "keras-v2", "se (": "se", "cifar option A": "cifar-a",
                "cifar option B": "cifar-b"}  # fmt: skip
    return [spec(arch, next(v for start, v in variants.items() if form.startswith(start)))]


TOTALS = [
    (form, depth, int(trainable), int(total))
    for form, depth, trainable, total in (
        row for row in lines("parameter_totals.tsv") if not row[0].startswith("#")
    )
    if form != "form"
]
