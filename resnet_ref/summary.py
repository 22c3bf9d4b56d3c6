"""The layer table of a network, as text and as JSON-ready data. No framework is involved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from resnet_ref.derive import Row, Table
from resnet_ref.shapes import Shape
from resnet_ref.spec import ResNetSpec, spec
from resnet_ref.totals import DocumentedTotal, documented_total

_HEADINGS = ("layer", "location", "input shape", "output shape", "params", "MACs")


def text(form: ResNetSpec, table: Table) -> str:
    """The table of `form`, one line per layer, then its totals in words."""
    rows = [_HEADINGS, *map(_cells, table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(cells, widths) for cells in rows]
    rule = "-" * max(map(len, lines))
    body = [lines[0], rule, *lines[1:], rule]
    return "\n".join([_title(form), "", *body, *_totals(form, table)]) + "\n"


def data(form: ResNetSpec, table: Table) -> dict[str, Any]:
    """The same as plain data: form, input_shape, rows, totals. Megabytes are of 2**20 bytes."""
    documented = _documented(form)
    return {
        "schema": 1,
        "form": {
            "arch": form.arch,
            "variant": form.variant,
            "num_classes": form.num_classes,
            "in_channels": form.in_channels,
            "stem": form.stem,
            "head": form.head,
            "output_stride": form.output_stride,
        },
        "input_shape": list(table.input_shape),
        "output_shape": list(table.output_shape),
        "totals": {
            "trainable": table.trainable,
            "buffers": table.buffers,
            "total": table.total,
            "splits": [
                {
                    "name": split.name,
                    "convention": split.convention,
                    "trainable": split.trainable,
                    "non_trainable": split.non_trainable,
                }
                for split in table.splits()
            ],
            "documented": documented
            and {
                "trainable": documented.trainable,
                "total": documented.total,
                "source": documented.source,
            },
            "macs": table.macs,
            "input_mb": table.input_mb,
            "forward_backward_mb": table.forward_backward_mb,
            "params_mb": table.params_mb,
            "total_mb": table.total_mb,
        },
        "rows": [_row_data(row) for row in table.rows],
    }


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "layer": row.name,
        "location": row.location,
        "input_shape": list(row.input_shape),
        "output_shape": list(row.output_shape),
        "params": row.params,
        "trainable": row.trainable,
        "buffers": row.buffers,
        "macs": row.macs,
        "activation_bytes": row.activation_bytes,
    }


def _title(form: ResNetSpec) -> str:
    end = f"{form.num_classes} classes" if form.head != "none" else "last feature map"
    return (
        f"{form.arch} {form.variant}: {form.in_channels} input channels, stem {form.stem}, "
        f"head {form.head} ({end}), output stride {form.output_stride}"
    )


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _cells(row: Row) -> tuple[str, ...]:
    macs = f"{row.macs:,}" if row.macs else ""
    params = f"{row.params:,}" if row.layer else ""
    shapes = _shape(row.input_shape), _shape(row.output_shape)
    return row.name, row.location, *shapes, params, macs


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    named = [cell.ljust(width) for cell, width in zip(cells[:4], widths, strict=False)]
    counted = [cell.rjust(width) for cell, width in zip(cells[4:], widths[4:], strict=True)]
    return "  ".join([*named, *counted]).rstrip()


def _totals(form: ResNetSpec, table: Table) -> Iterator[str]:
    yield f"parameters and buffers  {table.total:,}"
    for split in table.splits():
        yield f"  counted {split.name}: {split.convention}"
        yield f"    trainable {split.trainable:,}, non-trainable {split.non_trainable:,}"
    documented = _documented(form)
    if documented:
        yield f"  documented: trainable {documented.trainable:,}, total {documented.total:,}"
        yield f"    ({documented.source})"
    yield f"MACs                    {table.macs:,} (convolutions and linear maps, whole batch)"
    yield f"megabytes in float32    {table.total_mb:.2f}"
    yield (
        f"  input {table.input_mb:.2f}, forward and backward {table.forward_backward_mb:.2f}, "
        f"parameters and buffers {table.params_mb:.2f}"
    )


def _documented(form: ResNetSpec) -> DocumentedTotal | None:
    """The documented total, where stem and head leave the parameters as documented."""
    own = spec(form.arch, form.variant, num_classes=form.num_classes, in_channels=form.in_channels)
    if form.head == "none" or replace(form, head=own.head, output_stride=own.output_stride) != own:
        return None
    return documented_total(form.arch, form.variant, form.num_classes, form.in_channels)
