"""The parts of the README that are made from the code. `python -m tests.readme` renews them."""

import re
from pathlib import Path

from resnet_verify.checks import all_checks

README = Path(__file__).parents[1] / "README.md"
_CHECKS = re.compile(r"(<!-- checks: made by python -m tests\.readme -->\n).*?(<!-- end -->)", re.S)


def shell_blocks(text):
    """The contents of the fenced `sh` blocks, in order."""
    return [block.strip() for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)]


def check_table():
    rows = [f"| `{check.id}` | {check.promise} |" for check in all_checks().values()]
    return "\n".join(["| Check | Promise |", "|---|---|", *rows, ""])


def renewed(text):
    """`text` with the list of checks as the registry has it now."""
    return _CHECKS.sub(lambda found: found[1] + check_table() + found[2], text)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
