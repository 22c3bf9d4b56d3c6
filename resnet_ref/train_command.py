"""``resnet-ref train RECIPE``: train a documented recipe, and show what came of it."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from resnet_ref.recipes import RECIPES, Recipe, recipe, settings
from resnet_ref.tuning import tune

if TYPE_CHECKING:
    from resnet_ref.data import Split
    from resnet_ref.train import Settings, Tally, Trainer


def add_train(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "train",
        help="train a network by a documented recipe",
        description=f"Train a network by a documented recipe: {', '.join(RECIPES)}.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="smoke, say; a wrong name lists them all")
    add("--framework", default="paddle", help="paddle (default), torch or mindspore")
    add("--data", metavar="FILE", type=Path, help="the dataset's own archive, or its folder")
    add("--download", action="store_true", help="let the framework fetch the dataset")
    add("--limit", metavar="N", type=int, help="the first N training and N/5 test images alone")
    add("--out", metavar="DIR", type=Path, help="folder of the run; default: runs/RECIPE-FRAMEWORK")
    add("--resume", action="store_true", help="go on with the run in that folder")
    add("--weights", metavar="FILE", type=Path, help="start from this .safetensors file")
    add("--gpu", action="store_true", help="on the GPU")
    add("--seed", metavar="N", type=int, default=0, help="of everything that is drawn; default 0")
    add("--deterministic", action="store_true", help="only kernels that repeat to the last bit")
    add("--sync-norm", action="store_true", help="several processes share batch statistics")
    add("--tensorboard", action="store_true", help="measures for TensorBoard, too, in DIR")
    add("--show", action="store_true", help="print the recipe with its sources, and leave")
    group = parser.add_argument_group("values of the recipe")
    for name, hint in settings().items():
        group.add_argument(
            f"--{name.replace('_', '-')}", metavar="V", dest=name, type=_reader(hint)
        )
    parser.set_defaults(run=_train)


def _reader(hint: Any) -> Callable[[str], Any]:
    if get_origin(hint) is tuple:
        return _numbers
    if hint is bool:
        return _yes_or_no
    return str if get_args(hint) else hint


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"yes or no, not {text!r}")
    return text == "yes"


def _train(arguments: argparse.Namespace) -> int:
    asked = {name: getattr(arguments, name) for name in settings()}
    changes = {name: value for name, value in asked.items() if value is not None}
    chosen = recipe(arguments.recipe).override(changes)
    if arguments.show:
        print(_shown(chosen))
        return 0
    from resnet_ref.train import Settings, trainer

    how = Settings(
        arguments.seed,
        arguments.gpu,
        arguments.deterministic,
        arguments.sync_norm,
        arguments.limit,
    )
    split = _split(chosen, arguments)
    threads = os.environ.get("OMP_NUM_THREADS", "")  # importing Paddle sets it to 1
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="When training, we now always track")
        stack.enter_context(tune())
        learner = trainer(arguments.framework, chosen, how)
        if learner.world == 1:
            stack.enter_context(tune(int(threads) if threads.isdecimal() else None))
        return _run(learner, chosen, split, how, arguments)


def _run(
    learner: Trainer, chosen: Recipe, split: Split, how: Settings, arguments: argparse.Namespace
) -> int:
    from resnet_ref import plots
    from resnet_ref.board import Board
    from resnet_ref.train import no_more, start_from, train
    from resnet_ref.train_files import Run, read_tensors

    folder = arguments.out or Path("runs") / f"{chosen.name}-{arguments.framework}"
    run = Run(folder, _facts(learner, chosen, how, arguments))
    board = Board(folder / "tensorboard") if arguments.tensorboard else None
    if learner.rank == 0:
        run.open(resume=arguments.resume)
    if arguments.weights is not None:
        kept = start_from(learner, read_tensors(arguments.weights)[0])
        _say(learner, f"started from {arguments.weights}; fresh: {', '.join(kept) or 'nothing'}")
    with _Bar(learner, chosen) as bar, board or nullcontext():
        epochs = train(learner, chosen, split, run, how, bar.tell, board.add if board else no_more)
    if learner.rank == 0:
        page = plots.report(run, learner, chosen, split)
        print(f"test accuracy {epochs[-1]['test_accuracy']:.4f} after {len(epochs)} epochs")
        if chosen.documented:
            print(f"documented    {chosen.documented.words}")
        print(f"report        {page}")
    return 0


def _split(chosen: Recipe, arguments: argparse.Namespace) -> Split:
    from resnet_ref import data
    from resnet_ref.downloads import download

    path = arguments.data
    if arguments.download and path is None:
        path = download(chosen.dataset, arguments.framework)
    split = data.read(chosen.dataset, path)
    limit = arguments.limit
    if limit is None:
        return split
    if limit < 1:
        raise ValueError(f"--limit is a positive number, not {limit}")
    return data.Split(split.train.first(limit), split.test.first(-(-limit // 5)), split.classes)


def _facts(
    learner: Trainer, chosen: Recipe, how: Settings, arguments: argparse.Namespace
) -> dict[str, Any]:
    described = asdict(chosen)
    return {
        "framework": arguments.framework,
        "recipe": {name: described[name] for name in settings()} | {"name": chosen.name},
        "settings": asdict(how),
        "sources": dict(chosen.sources),
        "environment": {
            "framework_version": learner.version,
            "python": sys.version.split()[0],
            "device": learner.device,
            "processes": learner.world,
        },
    }


def _shown(chosen: Recipe) -> str:
    lines = [f"{chosen.name}"]
    for name in settings():
        lines.append(f"  {name:20} {getattr(chosen, name)!s:28} {chosen.sources[name]}")
    if chosen.documented:
        lines.append(f"  documented: {chosen.documented.words}")
    return "\n".join(lines)


def _say(learner: Trainer, words: str) -> None:
    if learner.rank == 0:
        print(words, flush=True)


class _Bar:
    """A progress bar for the present epoch, drawn by the process of rank 0."""

    def __init__(self, learner: Trainer, chosen: Recipe) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit=" steps", disable=learner.rank != 0 or None, dynamic_ncols=True)
        self._epochs = chosen.epochs

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()

    def tell(self, epoch: int, step: int, steps: int, tally: Tally, seconds: float) -> None:
        """Draw the state of an epoch; tqdm adds the time that is left of it."""
        if step <= self._bar.n:
            self._bar.reset()
        self._bar.total = steps
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}", refresh=False)
        self._bar.set_postfix(
            loss=f"{tally.loss / tally.images:.4f}",
            accuracy=f"{tally.right / tally.images:.3f}",
            images_per_s=f"{tally.images / seconds:.0f}",
            refresh=False,
        )
        self._bar.update(step - self._bar.n)
