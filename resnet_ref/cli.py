"""The command line of the reference: ``resnet-ref summary resnet50``.

A command is a function that adds its subparser, with the function that runs it as the
default `run`. Exit codes: 0, or 2 for a request that makes no sense.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from resnet_ref.architectures import CIFAR
from resnet_ref.derive import table
from resnet_ref.shapes import Shape
from resnet_ref.spec import HEADS, OUTPUT_STRIDES, STEMS, spec
from resnet_ref.summary import data, text
from resnet_ref.train_command import add_train
from resnet_ref.variants import VARIANT_NAMES

if TYPE_CHECKING:
    Subparsers: TypeAlias = "argparse._SubParsersAction[_Parser]"

OK, USAGE = 0, 2


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _Parser(prog="resnet-ref", description="The reference ResNet.", allow_abbrev=False)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(subparsers)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (ValueError, OSError) as error:
        print(f"resnet-ref: error: {error}", file=sys.stderr)
        return USAGE
    return code


def _add_summary(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "summary",
        help="print the layers, parameters, MACs and memory of a network",
        description="Print the layers, parameters, MACs and memory of a network. "
        "They are computed from its description: no framework is needed.",
        allow_abbrev=False,
    )
    parser.add_argument("arch", metavar="ARCH", help="resnet50, say; a wrong name lists them all")
    parser.add_argument("--variant", metavar="V", help=f"one of {', '.join(VARIANT_NAMES)}")
    parser.add_argument("--num-classes", metavar="N", type=int, help="default: 1000, 10 for CIFAR")
    parser.add_argument("--in-channels", metavar="C", type=int, help="default: those of --input")
    parser.add_argument(
        "--input",
        metavar="N,C,H,W",
        type=_shape,
        help="input shape, default: 1,3,224,224, or 1,3,32,32 for the CIFAR nets",
    )
    parser.add_argument("--stem", choices=STEMS, help="default: the variant's own")
    parser.add_argument("--head", choices=HEADS, help="default: the variant's own")
    parser.add_argument(
        "--output-stride",
        type=int,
        choices=OUTPUT_STRIDES,
        help="input size over last feature map; below the network's own by dilation",
    )
    parser.add_argument("--json", metavar="FILE", help="write it as JSON too; - for JSON alone")
    parser.set_defaults(run=_summary)


def _summary(arguments: argparse.Namespace) -> int:
    asked: Shape | None = arguments.input
    channels = arguments.in_channels
    if channels is None:
        channels = asked[1] if asked else 3
    form = spec(
        arguments.arch,
        arguments.variant,
        num_classes=arguments.num_classes,
        in_channels=channels,
        stem=arguments.stem,
        head=arguments.head,
        output_stride=arguments.output_stride,
    )
    size = 32 if arguments.arch in CIFAR else 224
    derived = table(form, asked or (1, channels, size, size))
    if arguments.json:
        encoded = json.dumps(data(form, derived), indent=2) + "\n"
        if arguments.json == "-":
            sys.stdout.write(encoded)
            return OK
        Path(arguments.json).write_text(encoded, encoding="utf-8")
    sys.stdout.write(text(form, derived))
    return OK


def _shape(words: str) -> Shape:
    try:
        shape = tuple(int(word) for word in words.split(","))
    except ValueError:
        shape = ()
    if len(shape) != 4 or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"four positive numbers N,C,H,W are needed, not {words!r}")
    return shape


COMMANDS: tuple[Callable[[Subparsers], None], ...] = (_add_summary, add_train)

if __name__ == "__main__":
    sys.exit(main())
