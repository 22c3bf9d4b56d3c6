"""Whether a network is what its row says, measured against its base with copied weights.

`tools` is the framework's own module of measures: `tests.catalogue.measure` for Paddle.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

SEEN = 1e-5  # relative; equal float32 networks agree to a few 1e-7 here


def difference(found, expected):
    """Relative distance of two arrays; infinite where their shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    a, b = found.astype("float64"), expected.astype("float64")
    if not np.isfinite(a).all():
        return float("inf")
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))


@dataclass(frozen=True)
class Showing:
    tools: ModuleType

    def pair(self, factory, base):
        """The two networks with the same randomised state; the second is the trusted one."""
        with self.tools.cheap_initialisation():
            target, trusted = factory(), base()
        self.tools.randomise(trusted)
        self.tools.copy_state(trusted, target)
        return target, trusted

    def output(self, net, x):
        """The first output without gradients, as an array."""
        with self.tools.no_grad():
            return self.tools.first_array(net(x))

    def runs(self, entry):
        net = entry.factory()
        net.eval()
        out = self.output(net, self.tools.batch(entry))
        return out.size > 0 and np.isfinite(out).all()

    def distance_from_plain_form(self, entry):
        target, trusted = self.pair(entry.factory, entry.same_as)
        target.eval(), trusted.eval()
        x = self.tools.batch(entry)
        return difference(self.output(target, x), self.output(trusted, x))

    def in_outputs(self, entry):
        """F, E, T or nothing: whether the outputs are not the base's, by mode."""
        target, trusted = self.pair(entry.factory, entry.base)
        x = self.tools.batch(entry)
        differ = []
        for mode in ("eval", "train"):
            getattr(target, mode)(), getattr(trusted, mode)()
            found, expected = self.output(target, x.clone()), self.output(trusted, x)
            differ.append(difference(found, expected) > SEEN)
        letters = {(True, True): "F", (True, False): "E", (False, True): "T", (False, False): ""}
        return letters[tuple(differ)]

    def shows(self, entry, letter):
        """Whether the mistake shows where one of the letters B, G, S, R says."""
        return {
            "B": self.in_statistics,
            "G": self.in_gradients,
            "S": self.after_loading,
            "R": self.in_later_call,
        }[letter](entry)

    def in_statistics(self, entry):
        target, trusted = self.pair(entry.factory, entry.base)
        target.train(), trusted.train()
        target(self.tools.batch(entry)), trusted(self.tools.batch(entry))
        found, expected = map(self.tools.running_statistics, (target, trusted))
        return any(difference(a, b) > 1e-3 for a, b in zip(found, expected, strict=True))

    def in_gradients(self, entry):
        target, trusted = self.pair(entry.factory, entry.base)
        x = self.tools.batch(entry)
        found, expected = self.tools.gradients(target, x), self.tools.gradients(trusted, x)
        return len(found) != len(expected) or any(
            (a is None) != (b is None) or (a is not None and difference(a, b) > 1e-2)
            for a, b in zip(found, expected, strict=True)
        )

    def after_loading(self, entry):
        self.tools.seed(1)
        first = entry.factory()
        self.tools.seed(2)
        second = entry.factory()
        x = self.tools.batch(entry)
        first.train()
        first(x)  # moves the running statistics
        self.tools.load_state(second, first)
        first.eval(), second.eval()
        return difference(self.output(first, x), self.output(second, x)) > SEEN

    def in_later_call(self, entry):
        """A call with history against the same call on a copy that has none."""
        used, fresh = self.pair(entry.factory, entry.factory)
        used.eval(), fresh.eval()
        x, other = self.tools.batch(entry), self.tools.batch(entry, seed=1)
        before = x.numpy().copy()
        for _ in range(2):
            self.output(used, x)
        if np.abs(x.numpy() - before).max() > 0:
            return True
        return difference(self.output(used, other.clone()), self.output(fresh, other)) > SEEN
