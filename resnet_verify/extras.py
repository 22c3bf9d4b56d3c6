"""Operators of a target that its form does not have, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resnet_ref.layers import Add
from resnet_verify.form import Place, block_of
from resnet_verify.graph import Node
from resnet_verify.match import Match, operands, places_by_value, source_place


@dataclass(frozen=True)
class Extra:
    """An operator of the target that the form does not have, and where it stands."""

    node: Node
    path: str
    where: str
    feeds: Place | None
    after: str


def extras_of(match: Match) -> Iterator[Extra]:
    """Unpaired operators of the target, each with the place that it stands at."""
    place_of = places_by_value(match)
    previous: Place | None = None
    for i, j in match.alignment.pairs:
        if i is None:
            continue
        if j is None:
            yield _located(match, match.found.nodes[i], place_of, previous)
        else:
            previous = match.form.places[j]


def _located(
    match: Match, node: Node, place_of: Mapping[int, Place], previous: Place | None
) -> Extra:
    source = next(iter(operands(match.found, node)), -1)
    comes_from = source_place(match, place_of, source)
    feeds = _first_paired_consumer(match, node, place_of)
    aside = feeds is not None and (isinstance(feeds.op, Add) or feeds.path.endswith("shortcut"))
    if previous is None:
        return Extra(node, "stem", "stem, before everything else", feeds, "")
    if feeds is not None and aside and comes_from != previous:
        side = f"{block_of(feeds.where)}, shortcut"
        return Extra(node, side, side, feeds, previous.where)
    if feeds is not None and _ends_block(previous) and block_of(feeds.where) != previous.path:
        leaf = feeds.where.rpartition(", ")[2]
        where = f"{feeds.path}, before {leaf}, behind {block_of(previous.where)}"
        return Extra(node, feeds.path, where, feeds, previous.where)
    leaf = previous.where.rpartition(", ")[2]
    return Extra(node, previous.path, f"{previous.path}, after {leaf}", feeds, previous.where)


def _ends_block(place: Place) -> bool:
    return place.path.endswith("post")


def _first_paired_consumer(match: Match, node: Node, place_of: Mapping[int, Place]) -> Place | None:
    reached = {node.output}
    for later in match.found.nodes:
        if reached.intersection(later.inputs):
            if later.output in place_of:
                return place_of[later.output]
            reached.add(later.output)
    return None


def runs(match: Match, extra: list[Extra]) -> list[list[Extra]]:
    """Extras that follow each other without a paired operator between."""
    runs: list[list[Extra]] = []
    last = -2
    for each in extra:
        position = match.found.positions[each.node.output]
        if position != last + 1:
            runs.append([])
        runs[-1].append(each)
        last = position
    return runs
