"""The folder of a training run: written so that a kill at any moment loses an epoch at most."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resnet_ref.data import Array
    from resnet_ref.train import Trainer

WEIGHTS, STATE = "weights/", "state/"


@dataclass(frozen=True)
class Progress:
    """The measures of the epochs that are done."""

    epochs: list[dict[str, float]] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The highest test accuracy so far, or -1."""
        return max((line["test_accuracy"] for line in self.epochs), default=-1.0)


@dataclass(frozen=True)
class Run:
    """A folder with a run; `facts` says what it is, and two runs with other facts do not mix."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def metrics(self) -> Path:
        """A JSON object a line, one line an epoch."""
        return self.folder / "metrics.jsonl"

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.folder / "last.safetensors"

    @property
    def best(self) -> Path:
        """The weights of the epoch with the highest test accuracy."""
        return self.folder / "best.safetensors"

    def open(self, *, resume: bool) -> None:
        """Make the folder, or find the same run in it.

        Raises:
            ValueError: it holds another run, or one that was not asked to be continued.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "run.json"
        if path.exists():
            if not resume:
                raise ValueError(
                    f"{self.folder} holds a run; --resume goes on with it, --out names another"
                )
            self._require_same(json.loads(path.read_text(encoding="utf-8")))
            return
        replace_file(path, (json.dumps(self.facts, indent=2) + "\n").encode())

    def _require_same(self, before: Mapping[str, Any]) -> None:
        asked = json.loads(json.dumps(self.facts))
        for part in ("recipe", "settings", "framework"):
            if before.get(part) != asked[part]:
                raise ValueError(
                    f"{self.folder}: the run has {part} {before.get(part)}; asked is {asked[part]}"
                )

    def resume(self, learner: Trainer) -> Progress:
        """Put `learner` where the checkpoint was written; nothing is done where there is none.

        Raises:
            ValueError: the checkpoint cannot be read.
        """
        if not self.last.exists():
            return Progress()
        tensors, said = read_tensors(self.last)
        learner.load_weights(_part(tensors, WEIGHTS))
        learner.load_state(_part(tensors, STATE))
        progress = Progress(json.loads(said["epochs"]))
        if learner.rank == 0:
            replace_file(self.metrics, _lines(progress.epochs))
        return progress

    def save(self, learner: Trainer, progress: Progress) -> None:
        """Write the checkpoint of an epoch; the best weights and the measures around it."""
        weights = learner.weights()
        if progress.best > Progress(progress.epochs[:-1]).best:
            replace_file(self.best, tensor_bytes(weights, {}))
        tensors = {WEIGHTS + name: array for name, array in weights.items()}
        tensors |= {STATE + name: array for name, array in learner.state().items()}
        # The checkpoint comes before the metrics, which are written anew from it on going on.
        replace_file(self.last, tensor_bytes(tensors, {"epochs": json.dumps(progress.epochs)}))
        replace_file(self.metrics, _lines(progress.epochs))


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays of a .safetensors file by their names, and what it says beside them.

    Raises:
        ValueError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names, said = list(file.keys()), file.metadata() or {}
            return {name: file.get_tensor(name) for name in names}, said
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file") from None
    except SafetensorError as error:
        raise ValueError(f"{path}: this is no whole .safetensors file ({error})") from error


def tensor_bytes(tensors: Mapping[str, Array], said: Mapping[str, str]) -> bytes:
    """A .safetensors file."""
    import numpy as np
    from safetensors.numpy import save

    whole = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    content: bytes = save(whole, dict(said))
    return content


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that there is the old one or the new one at any moment, and no part."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _part(tensors: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    found = {name: array for name, array in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): array for name, array in found.items()}


def _lines(epochs: list[dict[str, float]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in epochs).encode()
