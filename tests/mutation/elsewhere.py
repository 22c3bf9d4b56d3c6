"""Mistakes planted into networks that others wrote: timm's, torchvision's, paddle.vision's.

A mistake is an edit of a program. What the edit does to single layers (another operator, one
before or behind it, a fault) is done to the modules that hold these layers' tensors in the
network of others; edits of the wiring are left out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module

from resnet_verify.examine import Examination
from resnet_verify.target import Target
from tests.mutation.mistake import Mistake
from tests.mutation.program import HOLDERS, IMAGE, program_of


def _made(module, factory, /, **arguments):
    return lambda: getattr(import_module(module), factory)(**arguments)


def _transformers(**config):
    def make():
        package = import_module("transformers")
        return package.ResNetForImageClassification(package.ResNetConfig(**config))

    return make


_timm = partial(_made, "timm", "create_model")
_pytorchcv = partial(_made, "pytorchcv.model_provider", "get_model")

NETWORKS = {
    "timm:resnet18": ("torch", _timm(model_name="resnet18")),
    "timm:resnet50d": ("torch", _timm(model_name="resnet50d")),
    "timm:seresnet50": ("torch", _timm(model_name="seresnet50")),
    "torchvision:resnet34": ("torch", _made("torchvision.models", "resnet34")),
    "torchvision:resnet50": ("torch", _made("torchvision.models", "resnet50")),
    "transformers:resnet18": (
        "torch",
        _transformers(layer_type="basic", depths=[2] * 4, hidden_sizes=[64, 128, 256, 512]),
    ),
    "pytorchcv:resnet20": ("torch", _pytorchcv(name="resnet20_cifar10")),
    "pytorchcv:preresnet18": ("torch", _pytorchcv(name="preresnet18")),
    "paddle.vision:resnet18": ("paddle", _made("paddle.vision.models", "resnet18")),
    "paddle.vision:resnet50": ("paddle", _made("paddle.vision.models", "resnet50")),
}


@dataclass(frozen=True)
class Edit:
    """What is done to the layer `where`: `op` takes its place, others come before and behind."""

    where: str
    op: object = None
    before: tuple[object, ...] = ()
    behind: tuple[object, ...] = ()


@dataclass(frozen=True)
class Hosted:
    """A `tests.mutation.measure.Planted` in a network that others wrote."""

    mistake: Mistake
    network: str
    site: int

    @property
    def framework(self):
        return NETWORKS[self.network][0]

    @property
    def arch(self):
        return known(self.network)[0].spec.arch

    @property
    def variant(self):
        return known(self.network)[0].spec.variant

    @property
    def block(self):
        return known(self.network)[0].block(self.site)

    def build(self):
        faultless, names = known(self.network)
        program = self.mistake.plant(faultless, self.site)
        words = import_module(f"tests.mutation.in_{self.framework}")
        model = NETWORKS[self.network][1]()
        for edit in edits(faultless, program):
            words.edit_layer(model, names[edit.where], edit)
        for fault in program.faults:
            words.FAULTS[fault.name](model, names[fault.where], fault.amount)
        return model


@cache
def known(network):
    """The program of the form of a network, and the network's own name of each layer."""
    examination = Examination(Target(network, NETWORKS[network][1]))
    held = examination.correspondence.items()
    names = {key[0]: each.parts[0].name.rpartition(".")[0] for key, each in held}
    return program_of(examination.match.form.spec), names


def drawn(mistake, network, number, seed):
    """Up to `number` places of a mistake in a network; none where it cannot be made there."""
    if mistake.only_in and NETWORKS[network][0] not in mistake.only_in:
        return []
    faultless, names = known(network)
    possible = [
        site for site in mistake.sites(faultless) if _can_be_made(mistake, faultless, site, names)
    ]
    chosen = random.Random(f"{seed} {mistake.id} {network}").sample(
        possible, min(number, len(possible))
    )
    return [Hosted(mistake, network, site) for site in chosen]


def _can_be_made(mistake, faultless, site, names):
    program = mistake.plant(faultless, site)
    found = edits(faultless, program)
    wanted = [fault.where for fault in program.faults]
    return found is not None and {*wanted, *(edit.where for edit in found)} <= names.keys()


def edits(faultless, program):
    """What was done to single layers; None where something else was done, or nothing."""
    old = {step.where: step for step in faultless.steps}
    planted = [", planted " in step.where for step in program.steps]
    kept = [step for step, new in zip(program.steps, planted, strict=True) if not new]
    if [step.where for step in kept] != list(old) or any(step.owner for step in kept):
        return None
    for step in kept:
        sources = tuple(_source(program, planted, value) for value in step.inputs)
        if sources != tuple(_name(faultless, value) for value in old[step.where].inputs):
            return None
    found = [Edit(step.where, step.op) for step in kept if step.op != old[step.where].op]
    for last, new in enumerate(planted):
        if new and not any(planted[reader] for reader in program.users(last)):
            found.append(_inserted(faultless, program, planted, last))
    holders = all(edit and isinstance(old[edit.where].op, HOLDERS) for edit in found)
    ops = all(edit.op is None or isinstance(edit.op, HOLDERS) for edit in found if edit)
    return found if holders and ops and (found or program.faults) else None


def _inserted(faultless, program, planted, last):
    """The operators that end in step `last`, as an edit of the layer before or behind them."""
    chain, value = [], last
    while value != IMAGE and planted[value]:
        chain.insert(0, program.steps[value].op)
        value = program.steps[value].inputs[0]
    source = _name(program, value)
    readers = [program.steps[reader].where for reader in program.users(last)]
    users = [step.where for step in faultless.steps
             if source in (_name(faultless, each) for each in step.inputs)]  # fmt: skip
    if source and readers == users:
        return Edit(source, behind=tuple(chain))
    if len(readers) == 1:
        return Edit(readers[0], before=tuple(chain))
    return None


def _source(program, planted, value):
    while value != IMAGE and planted[value]:
        value = program.steps[value].inputs[0]
    return _name(program, value)


def _name(program, value):
    return "" if value == IMAGE else program.steps[value].where
