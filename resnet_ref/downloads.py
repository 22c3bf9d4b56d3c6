"""Datasets fetched by the dataset classes of the frameworks, which know where and check them."""

from __future__ import annotations

from pathlib import Path

from resnet_ref.data import DataError

CACHE = Path.home() / ".cache" / "resnet-ref"


def download(dataset: str, framework: str) -> Path | None:
    """Where `dataset` lies after the framework has fetched it, once; None for the digits.

    Raises:
        DataError: this framework has no class that fetches, or it failed.
    """
    if dataset == "digits":
        return None
    fetch = {"paddle": _by_paddle, "torch": _by_torchvision}.get(framework)
    if fetch is None:
        raise DataError(
            f"{framework}'s dataset classes read {dataset} and fetch nothing; give --data FILE, "
            "which --download with another --framework leaves behind, too"
        )
    try:
        return fetch(dataset)
    except ImportError as error:
        raise DataError(f"{dataset} is fetched by torchvision, which is missing") from error
    except Exception as error:  # whatever a failing network makes of it
        raise DataError(f"{dataset} could not be fetched: {error}; give --data FILE") from error


def _by_paddle(dataset: str) -> Path:
    from resnet_ref.train_paddle import fetched

    return fetched(dataset)


def _by_torchvision(dataset: str) -> Path:
    from resnet_ref.train_torch import fetched

    return fetched(dataset, CACHE)
