"""What an alignment leaves unpaired: blocks and operators too many, too few, or moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from resnet_ref.layers import (
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    PadShortcut,
    Relu,
    Softmax,
    SqueezeExcite,
)
from resnet_verify.alignment import distance
from resnet_verify.difference import ASPECTS, Aspect, Difference
from resnet_verify.extras import Extra, extras_of, runs
from resnet_verify.form import Place, block_of
from resnet_verify.graph import Detach
from resnet_verify.match import Match, unused_nodes
from resnet_verify.words import describe, size

ASPECT_OF_MISSING: dict[type, Aspect] = {
    Add: "addition",
    Relu: "activation",
    BatchNorm: "norm",
    MaxPool: "pool",
    AvgPool: "pool",
    GlobalAvgPool: "head",
    Linear: "head",
    PadShortcut: "projection",
}
ASPECT_OF_EXTRA: dict[type, Aspect] = {
    **ASPECT_OF_MISSING,
    Conv: "layer",
    SqueezeExcite: "layer",
    Softmax: "head",
    Detach: "detached",
}


@dataclass
class Gaps:
    """The unpaired operators of a match; each step takes out what it has explained."""

    match: Match
    missing: list[Place]
    extra: list[Extra]

    @classmethod
    def of(cls, match: Match) -> Gaps:
        """Everything that the alignment left unpaired."""
        places = match.form.places
        pairs = match.alignment.pairs
        missing = [places[j] for i, j in pairs if i is None and j is not None]
        return cls(match, missing, list(extras_of(match)))

    def explain(self) -> list[Difference]:
        """Every gap as a difference, whole blocks first."""
        return [
            *self._bypassed(),
            *self._branches(),
            *self._moved(),
            *self._replaced(),
            *self._absent(),
            *self._unexpected(),
        ]

    def _bypassed(self) -> Iterator[Difference]:
        """Blocks that are computed for nothing."""
        unused = _unused_convs(self.match)
        for where in _missing_blocks(self.match, self.missing):
            if unused and _convs_of(self.match, where) <= unused:
                self.missing = [place for place in self.missing if block_of(place.where) != where]
                yield Difference(
                    "unused", where, "the block's output goes on", "its output is not used",
                    f"{where} is computed, but its output is not used: the block is bypassed",
                )  # fmt: skip

    def _branches(self) -> Iterator[Difference]:
        """Branches with a convolution too many or too few: another kind of block."""
        unused = _unused_ops(self.match)
        gone = [p for p in self.missing if isinstance(p.op, Conv) and p.path.endswith("branch")]
        added = [e for e in self.extra if isinstance(e.node.op, Conv) and e.path.endswith("branch")]
        for path in dict.fromkeys([*(p.path for p in gone), *(e.path for e in added)]):
            if any(unused[place.op] for place in gone if place.path == path):
                continue  # it is there, and computed for nothing
            expected = _kernels(p.op for p in self.match.form.places if p.path == path)
            found = _kernels(self._ops_found_on(path))
            if found == expected:
                continue  # the same ones in another order
            self.missing = [place for place in self.missing if place.path != path]
            self.extra = [extra for extra in self.extra if extra.path != path]
            kind = self.match.form.spec.block
            yield Difference(
                "layer", path, f"a {kind} block: convs {expected}", f"convs {found}",
                f"{path}: convs {found}; a {kind} block has convs {expected}",
                added[0].node.output if added else None,
            )  # fmt: skip

    def _ops_found_on(self, path: str) -> Iterator[object]:
        extras = {extra.node.output: extra.path for extra in self.extra}
        for i, j in self.match.alignment.pairs:
            if i is None:
                continue
            node = self.match.found.nodes[i]
            here = self.match.form.places[j].path if j is not None else extras.get(node.output)
            if here == path:
                yield node.op

    def _moved(self) -> Iterator[Difference]:
        for place in list(self.missing):
            for extra in self.extra:
                # An addition behind the last operator of a block still belongs to it.
                stands = extra.after if isinstance(place.op, Add) else extra.where
                same_block = block_of(place.where) == block_of(stands)
                if same_block and distance(extra.node.op, place.op) == 0:
                    self.missing.remove(place)
                    self.extra.remove(extra)
                    yield from self._move(place, extra)
                    break

    def _move(self, place: Place, extra: Extra) -> Iterator[Difference]:
        """An addition that moved is told as what it passed over: an activation before it, say."""
        block, what = block_of(place.where), describe(place.op)
        passed = self._passed(place, extra) if isinstance(place.op, Add) else []
        if passed:
            what = " and ".join(describe(each.op) for each in passed)
            early = passed[0].path.endswith("branch")
            expected, found = "before the addition", "after the addition"
            if not early:
                expected, found = found, found.replace("after", "before")
            place = passed[0]
        else:
            expected, found = _standing(self.match, place), _found_at(extra)
        # Within a block a convolution can only change places with norms and activations.
        order = "convolution and norm are in another order: " if isinstance(place.op, Conv) else ""
        yield Difference(
            ASPECT_OF_MISSING.get(type(place.op), "layer"),
            extra.where if block_of(extra.where) == block else place.where,
            f"{what} {expected}",
            f"{what} {found}",
            f"{block}: {order}{what} stands {found}; the form has it {expected}",
            extra.node.output,
        )

    def _passed(self, place: Place, extra: Extra) -> list[Place]:
        """The places of the block between where an operator is and where it should be."""
        order = {each.where: position for position, each in enumerate(self.match.form.places)}
        here, there = order[place.where], order[extra.after] if extra.after else -1
        between = self.match.form.places[min(here, there + 1) : max(here, there + 1)]
        return [
            each
            for each in between
            if each != place
            and block_of(each.where) == block_of(place.where)
            and not each.path.endswith("shortcut")
        ]

    def _replaced(self) -> Iterator[Difference]:
        """What is missing and what is too many on one path are one difference."""
        for where in dict.fromkeys(place.path for place in self.missing):
            wanted = [place for place in self.missing if place.path == where]
            instead = [extra for extra in self.extra if extra.path == where]
            if not instead:
                continue
            self.missing = [place for place in self.missing if place not in wanted]
            self.extra = [extra for extra in self.extra if extra not in instead]
            expected = "; ".join(describe(place.op) for place in wanted)
            found = "; ".join(describe(extra.node.op) for extra in instead)
            yield Difference(
                _aspect_of_replacement(wanted), where, expected, found,
                f"{where}: {found} where the form has {expected}", instead[0].node.output,
            )  # fmt: skip

    def _absent(self) -> Iterator[Difference]:
        unused = _unused_ops(self.match)
        unjoined = {p.path for p in self.missing if isinstance(p.op, Add)}
        for group in _neighbours(self.match, self.missing):
            if group[0].path.endswith("shortcut") and block_of(group[0].where) in unjoined:
                continue  # without its addition a block has no use for a shortcut
            yield _missing_difference(group, unused=unused)

    def _unexpected(self) -> Iterator[Difference]:
        for run in runs(self.match, self.extra):
            for where in dict.fromkeys(extra.path for extra in run):
                yield _extra_difference([extra for extra in run if extra.path == where])


def _extra_difference(run: list[Extra]) -> Difference:
    """What stands where the form has nothing, as one."""
    extra = min(run, key=lambda each: _rank(ASPECT_OF_EXTRA.get(type(each.node.op), "operator")))
    op, where = extra.node.op, run[0].where
    aspect: Aspect = ASPECT_OF_EXTRA.get(type(op), "operator")
    what = "; ".join(describe(each.node.op) for each in run)
    if extra.path.endswith("shortcut") and isinstance(op, Conv | PadShortcut | AvgPool | MaxPool):
        aspect = "projection"
        message = (
            f"{where}: {what} on a shortcut that is the identity in the form: "
            "neither channels nor stride change"
        )
    elif isinstance(op, Detach):
        message = f"{where}: the value is detached: no gradient passes"
    elif isinstance(op, Dropout):
        message = f"{where}: {what} is active"
    else:
        message = f"{where}: {what} that the form does not have"
    return Difference(aspect, where, f"no {_kind(op)}", what, message, extra.node.output)


def _rank(aspect: Aspect) -> int:
    return ASPECTS.index(aspect)


def _neighbours(match: Match, missing: list[Place]) -> list[list[Place]]:
    """Missing places that follow each other on one path."""
    groups: list[list[Place]] = []
    order = {place.where: position for position, place in enumerate(match.form.places)}
    last = -2
    for place in missing:
        position = order[place.where]
        if position != last + 1 or groups[-1][-1].path != place.path:
            groups.append([])
        groups[-1].append(place)
        last = position
    return groups


def _kernels(ops: Iterable[object]) -> str:
    kernels = [size(op.kernel) for op in ops if isinstance(op, Conv)]
    return ", ".join(kernels) or "none"


def _aspect_of_replacement(wanted: list[Place]) -> Aspect:
    if wanted[0].path.endswith("shortcut"):
        return "projection"
    return min((ASPECT_OF_MISSING.get(type(place.op), "layer") for place in wanted), key=_rank)


def _kind(op: object) -> str:
    return describe(op).split(",")[0].split(" (")[0]


def _missing_difference(group: list[Place], *, unused: Counter[object]) -> Difference:
    """What the form has and the target has not, as one."""
    place = min(group, key=lambda each: _rank(ASPECT_OF_MISSING.get(type(each.op), "layer")))
    what = "; ".join(describe(each.op) for each in group)
    projected = place.path.endswith("shortcut") and isinstance(place.op, Conv | PadShortcut)
    if all(unused[each.op] > 0 for each in group):
        return Difference(
            "unused", place.where, what, "computed, but not used",
            f"{place.where}: {what} is computed, but its output is not used",
        )  # fmt: skip
    if projected:
        aspect: Aspect = "projection"
        message = f"{place.path}: no projection; channels or stride change, so the form has {what}"
    else:
        aspect = ASPECT_OF_MISSING.get(type(place.op), "layer")
        message = f"{place.where}: the {what} is missing"
    return Difference(aspect, place.where, what, "nothing", message)


def _missing_blocks(match: Match, missing: list[Place]) -> list[str]:
    """Blocks of the form of which neither a convolution nor the addition was found."""
    gone = {place.where for place in missing}
    core: dict[str, set[str]] = {}
    for place in match.form.places:
        if place.where.startswith("stage") and isinstance(place.op, Conv | Add):
            core.setdefault(block_of(place.where), set()).add(place.where)
    return [block for block, wheres in core.items() if wheres <= gone]


def _unused_ops(match: Match) -> Counter[object]:
    return Counter(node.op for node in unused_nodes(match))


def _unused_convs(match: Match) -> set[object]:
    return {node.op for node in unused_nodes(match) if isinstance(node.op, Conv)}


def _convs_of(match: Match, block: str) -> set[object]:
    return {
        place.op
        for place in match.form.places
        if isinstance(place.op, Conv) and block_of(place.where) == block
    }


def _standing(match: Match, place: Place) -> str:
    """Where an operator stands in its block, in words."""
    if place.path.endswith("post"):
        return "after the addition"
    before = place.inputs[0]
    if before < 0:
        return "at the start"
    source = match.form.places[before]
    leaf = source.where.rpartition(", ")[2]
    in_path = "" if source.path == place.path else f" of {source.path}"
    return f"after {leaf}{in_path}"


def _found_at(extra: Extra) -> str:
    if extra.feeds is not None and isinstance(extra.feeds.op, Add):
        side = "shortcut" if extra.path.endswith("shortcut") else "branch"
        return f"before the addition, on the {side}"
    if extra.where.endswith("after add"):
        return "after the addition"
    return extra.where.rpartition(", ")[2]
