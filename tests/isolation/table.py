"""What each target of `misdeeds` gets: the exit code, and the cause in words.

Run as a program it prints the table of docs/isolation.md.
"""

LOADED, JUDGED, FINE = 2, 1, 0  # not loaded, not judged, judged as if nothing were the matter

ENDED = "its process was ended by {}"
LATE = "no answer within the time limit of 1 s"

STAND_INS = {
    # While it is imported or made
    "leaves_with_sys_exit": (LOADED, "the factory raised SystemExit: 3"),
    "leaves_with_os_exit": (LOADED, "its process left with exit code 0"),
    "reads_null": (LOADED, ENDED.format("SIGSEGV (Segmentation fault)")),
    "aborts": (LOADED, ENDED.format("SIGABRT (Aborted)")),
    "overflows_the_stack": (LOADED, ENDED.format("SIGSEGV (Segmentation fault)")),
    "kills_itself": (LOADED, ENDED.format("SIGKILL (Killed); was memory short?")),
    "stops_itself": (LOADED, LATE),
    "loops": (LOADED, LATE),
    "loops_and_catches_all": (LOADED, LATE),
    "holds_the_interpreter": (LOADED, LATE),
    "waits_deaf": (LOADED, LATE),
    "recurses": (LOADED, "the factory raised RecursionError: maximum recursion depth exceeded"),
    "allocates": (LOADED, "the factory raised MemoryError: Unable to allocate 50.0 GiB"),
    "raises_mute": (LOADED, "Mute: (its message cannot be had: __str__ raised RuntimeError)"),
    "raises_beyond": (LOADED, "Beyond: the pale"),
    "raises_interrupt": (LOADED, "KeyboardInterrupt: without a message"),
    "raises_payload": (LOADED, "the factory raised Payload: unpickle me"),
    "raises_megabytes": (LOADED, "the factory raised ValueError: xxx"),
    "reads_stdin": (LOADED, "the factory raised EOFError: EOF when reading a line"),
    "reads_the_terminal": (LOADED, "the factory raised OSError: [Errno 6]"),
    "closes_everything": (LOADED, "its process left with exit code 1"),
    "writes_to_every_file": (LOADED, "its process gave an answer that means nothing"),
    "prints_to_the_terminal": (LOADED, "its process left with exit code 1"),
    "dies_and_leaves_a_child": (LOADED, "its process left with exit code 5"),
    "forbids_warnings": (LOADED, "the factory raised UserWarning: mine"),
    "replaces_builtins": (LOADED, "its process left with exit code 1"),
    "traces": (LOADED, "its process left with exit code 0"),
    "gives_a_mock": (LOADED, "a MagicMock is no model"),
    "gives_a_liar": (LOADED, "RuntimeError: I am nothing"),
    "gives_a_number": (LOADED, "a int is no model"),
    "gives_a_type": (LOADED, "a type is no model"),
    "gives_a_generator": (LOADED, "a generator is no model"),
    "gives_nothing": (LOADED, "the factory returned None, not a model"),
    "closes_stdout": (FINE, ""),
    "prints_megabytes": (FINE, ""),
    "starts_threads": (FINE, ""),
    "starts_a_program": (FINE, ""),
    "starts_a_daemon": (FINE, ""),
    "never_ends_at_exit": (FINE, ""),
    "moves": (FINE, ""),
    "clears_the_environment": (FINE, ""),
    "clears_the_path": (FINE, ""),
    "logs_everything": (FINE, ""),
    "seeds": (FINE, ""),
    "masks": (FINE, ""),
    "leaves_temporary_files": (FINE, ""),
    "opens_all_files": (FINE, ""),
    "forgets_modules": (FINE, ""),
    "replaces_json": (FINE, ""),
    # While a check runs
    "leaves_in_forward": (JUDGED, "NUM-EVAL: SystemExit: 3"),
    "vanishes_in_forward": (JUDGED, "NUM-EVAL: its process left with exit code 0"),
    "crashes_in_forward": (JUDGED, "NUM-EVAL: " + ENDED.format("SIGSEGV")),
    "loops_in_forward": (JUDGED, "NUM-EVAL: " + LATE),
    "loops_in_forward_and_catches_all": (JUDGED, "NUM-EVAL: " + LATE),
    "holds_the_interpreter_in_forward": (JUDGED, "NUM-EVAL: " + LATE),
    "waits_deaf_in_forward": (JUDGED, "NUM-EVAL: " + LATE),
    "stops_in_forward": (JUDGED, "NUM-EVAL: " + LATE),
    "recurses_in_forward": (JUDGED, "NUM-EVAL: RecursionError"),
    "overflows_in_forward": (JUDGED, "NUM-EVAL: " + ENDED.format("SIGSEGV")),
    "allocates_in_forward": (JUDGED, "NUM-EVAL: MemoryError: Unable to allocate 50.0 GiB"),
    "raises_mute_in_forward": (JUDGED, "NUM-EVAL: Mute: (its message cannot be had"),
    "raises_beyond_in_forward": (JUDGED, "NUM-EVAL: Beyond: the pale"),
    "raises_payload_in_forward": (JUDGED, "NUM-EVAL: Payload: unpickle me"),
    "reads_stdin_in_forward": (JUDGED, "NUM-EVAL: EOFError: EOF when reading a line"),
    "closes_everything_in_forward": (JUDGED, "NUM-EVAL: its process left with exit code 1"),
    "starts_a_daemon_in_forward": (FINE, ""),
}

GOOD = ("conforming", "")
RAISES = "the forward pass raises {}"
LIMITLESS = {"loops", "loops_and_catches_all"}
"""They are judged with a time limit, of 15 s, or it takes minutes."""


def _both(judgement, words=""):
    return {"paddle": (judgement, words), "torch": (judgement, words)}


NETWORKS = {
    "plain": _both(*GOOD),
    "is_never_the_same": _both("defect", "head, after linear 0: addition"),
    "drifts": {
        "paddle": ("error", ENDED.format("SIGSEGV")),  # Paddle's own: weights set while traced
        "torch": ("defect", "its weight is not registered with the network"),
    },
    "has_no_classes": _both("error", "classes and channels are counted from 1, not 0"),
    "has_a_million_classes": _both(*GOOD),
    "has_ten_thousand_layers": {
        # Paddle takes 300 s to trace it, or ends with SIGSEGV
        "paddle": ("error", ""),
        "torch": ("defect", "this is no documented ResNet"),
    },
    "makes_float64_the_default": _both(*GOOD),
    "makes_float64_the_default_in_forward": _both(*GOOD),
    "seeds_in_forward": _both(*GOOD),
    "patches_relu": _both("defect", "stem, after relu 0: scale by"),
    "is_not_initialised": _both("defect", "this is no documented ResNet"),
    "has_nothing_but_shapes": _both("defect", "Tensor on device meta is not on the expected"),
    "imports_the_other": _both(*GOOD),
    "is_named_oddly": _both(*GOOD),
    "prints": _both(*GOOD),
    "starts_threads": _both(*GOOD),
    "gives_itself": _both(*GOOD),
    "gives_nothing": _both("defect", "what it returns holds no tensor"),
    "gives_words": _both("defect", ""),
    "vanishes": _both("error", "its process left with exit code 0"),
    "leaves": _both("error", "SystemExit"),
    "crashes": _both("error", ENDED.format("SIGSEGV")),
    "recurses": _both("defect", RAISES.format("RecursionError")),
    "allocates": _both("defect", RAISES.format("MemoryError: Unable to allocate 50.0 GiB")),
    "raises_mute": _both("defect", RAISES.format("Mute: (its message cannot be had")),
    "raises_beyond": _both("error", "Beyond"),
    "reads_stdin": _both("defect", RAISES.format("EOFError: EOF when reading a line")),
    "closes_stdout": _both("defect", RAISES.format("OSError: [Errno 9] Bad file descriptor")),
    "loops": _both("error", "no answer within the time limit of 15 s"),
    "loops_and_catches_all": _both("error", "no answer within the time limit of 15 s"),
}


def rows():
    """The rows of the tables of docs/isolation.md."""
    ends = {LOADED: "error, exit code 2", JUDGED: "error, exit code 1", FINE: "conforming"}
    for name, (code, words) in STAND_INS.items():
        yield f"| `{name}` | {ends[code]} | {words} |"
    for name, told in NETWORKS.items():
        cells = [": ".join(filter(None, told[framework])) for framework in ("paddle", "torch")]
        yield f"| `{name}` | {cells[0]} | {cells[1]} |"


if __name__ == "__main__":
    print("\n".join(rows()))
