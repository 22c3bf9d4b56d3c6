"""What came of a training run, in pictures: PNG files, and one HTML page that holds them all."""

from __future__ import annotations

import base64
import csv
import html
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_ref.train import predict
from resnet_ref.train_files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from resnet_ref.data import Array, Split
    from resnet_ref.recipes import Recipe
    from resnet_ref.train import Trainer
    from resnet_ref.train_files import Run

SHOWN = 25
"""Test images in the grid of predictions."""

TITLES = {
    "curves.png": "Loss and accuracy by epoch",
    "first.png": "The first six training images",
    "predictions.png": "Predictions on test images: right in blue, wrong in red",
    "confusion.png": "Confusion matrix of the test images",
}


def report(run: Run, learner: Trainer, recipe: Recipe, split: Split) -> Path:
    """Draw all pictures of a finished run into its folder, and return the page."""
    epochs = run.resume(learner).epochs
    found = predict(learner, split.test, recipe.batch_size).argmax(1)
    pictures = {
        "curves.png": curves(epochs, documented_curve(recipe)),
        "first.png": first_images(split),
        "predictions.png": predictions(split, found),
        "confusion.png": confusion(split, found),
    }
    for name, figure in pictures.items():
        figure.savefig(run.folder / name, dpi=110)
    page = run.folder / "report.html"
    replace_file(page, _page(run, recipe, epochs).encode())
    return page


def documented_curve(recipe: Recipe) -> list[dict[str, float]]:
    """The documented measures of each epoch; empty where none are."""
    if recipe.documented is None or not recipe.documented.curve:
        return []
    path = files("resnet_ref") / "curves" / recipe.documented.curve
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return [{name: float(value) for name, value in row.items()} for row in rows]


def curves(epochs: list[dict[str, float]], documented: list[dict[str, float]]) -> Any:
    """Loss and accuracy, the documented ones dashed, as far as both go."""
    figure, axes = _figure(1, 2, (10, 4))
    colours = {"train": "tab:blue", "test": "tab:orange"}
    for axis, measure in zip(axes.flat, ("loss", "accuracy"), strict=True):
        for part, colour in colours.items():
            values = [line[f"{part}_{measure}"] for line in epochs]
            axis.plot(range(1, len(values) + 1), values, color=colour, marker=".", label=part)
        known = [line[f"test_{measure}"] for line in documented[: len(epochs)]]
        if known:
            numbers = range(1, len(known) + 1)
            axis.plot(numbers, known, "--", color=colours["test"], label="test, documented")
        axis.set(xlabel="epoch", ylabel=measure)
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def first_images(split: Split) -> Any:
    """Six training images with their labels."""
    figure, axes = _figure(1, 6, (9, 2))
    for axis, pixels, label in zip(axes.flat, split.train.pixels, split.train.labels, strict=False):
        _draw(axis, pixels)
        axis.set_title(split.classes[label], fontsize=8)
    return figure


def predictions(split: Split, found: Array) -> Any:
    """A grid of test images under what the network takes them for."""
    side = int(np.sqrt(SHOWN))
    figure, axes = _figure(side, side, (8, 8.5))
    for axis, pixels, label, guess in zip(
        axes.flat, split.test.pixels, split.test.labels, found, strict=False
    ):
        _draw(axis, pixels)
        colour = "blue" if guess == label else "red"
        axis.set_title(split.classes[guess], fontsize=8, color=colour)
    return figure


def confusion(split: Split, found: Array) -> Any:
    """How often each class is taken for each."""
    count = len(split.classes)
    table = np.zeros((count, count), int)
    np.add.at(table, (split.test.labels, found), 1)
    figure, axes = _figure(1, 1, (6.5, 6))
    axis = axes.flat[0]
    axis.imshow(table, cmap="Blues")
    for (row, column), number in np.ndenumerate(table):
        light = number > table.max() / 2
        axis.text(
            column, row, str(number), ha="center", va="center", fontsize=7,
            color="white" if light else "black",
        )  # fmt: skip
    axis.set_xticks(range(count), split.classes, rotation=90)
    axis.set_yticks(range(count), split.classes)
    axis.set(xlabel="predicted", ylabel="true")
    return figure


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Array]:
    """A figure that needs no display and changes nothing global in Matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _draw(axis: Any, pixels: Array) -> None:
    axis.imshow(pixels.transpose(1, 2, 0).squeeze(), cmap="gray")
    axis.set_axis_off()


def _page(run: Run, recipe: Recipe, epochs: list[dict[str, float]]) -> str:
    """One page with everything in it: nothing is loaded from elsewhere."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{html.escape(recipe.name)}</title>",
        "<style>body{font:16px sans-serif;max-width:60rem;margin:2rem auto}"
        "img{max-width:100%}td,th{padding:.1rem .8rem;text-align:left}</style>",
        f"<h1>{html.escape(recipe.name)}</h1>",
    ]
    if recipe.documented:
        parts.append(f"<p>Documented: {html.escape(recipe.documented.words)}</p>")
    for name, title in TITLES.items():
        content = base64.b64encode((run.folder / name).read_bytes()).decode()
        picture = f'<img alt="{title}" src="data:image/png;base64,{content}">'
        parts.append(f"<h2>{title}</h2>{picture}")
    shown = ("epoch", "rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    parts.append("<h2>Measures</h2>" + _table([shown, *_rows(epochs, shown)]))
    values = [("value", "", "source")]
    for name, source in run.facts["sources"].items():
        values.append((name, str(getattr(recipe, name)), source))
    parts.append("<h2>Recipe</h2>" + _table(values))
    facts = [(name, str(value)) for name, value in run.facts["environment"].items()]
    parts.append("<h2>Environment</h2>" + _table([("fact", "value"), *facts]))
    return "\n".join(parts) + "\n"


def _rows(epochs: list[dict[str, float]], shown: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(f"{line[name]:.5g}" for name in shown) for line in epochs]


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head, *body = rows
    lines = ["<tr>" + "".join(f"<th>{html.escape(cell)}" for cell in head)]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) for row in body]
    return "<table>" + "\n".join(lines) + "</table>"
