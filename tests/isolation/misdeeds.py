"""What no target should do; each is done in a process of its own, or not at all.

The networks are stand-ins: what is done here has nothing to do with what a network computes.
`misdeed` is done while a check runs, the rest while the network is made.
"""

import atexit
import builtins
import ctypes
import json
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from unittest.mock import MagicMock

from tests.fake import Network


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Beyond(BaseException):
    """No `Exception`."""


class Payload(Exception):
    def __reduce__(self):
        return os.system, ("touch $TMPDIR/../executed",)


class Liar:
    @property
    def __class__(self):
        raise RuntimeError("I am nothing")

    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")


def leaves_with_sys_exit():
    sys.exit(3)


def leaves_with_os_exit():
    os._exit(0)


def reads_null():
    ctypes.string_at(0)


def aborts():
    os.abort()


def kills_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def stops_itself():
    os.kill(os.getpid(), signal.SIGSTOP)


def loops():
    while True:
        pass


def loops_and_catches_all():
    while True:
        try:
            loops()
        except BaseException:
            pass


def holds_the_interpreter():
    ctypes.PyDLL(None).sleep(1000)


def waits_deaf():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep(1000)


def recurses(depth=0):
    return recurses(depth + 1)


def overflows_the_stack():
    value = ()
    for _ in range(1_000_000):
        value = (value,)
    return hash(value)


def allocates():
    import numpy as np

    return np.ones(50 << 27)


def has_too_little_time():
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    loops()


def raises_mute():
    raise Mute


def raises_beyond():
    raise Beyond("the pale")


def raises_interrupt():
    raise KeyboardInterrupt


def raises_payload():
    raise Payload("unpickle me")


def raises_megabytes():
    raise ValueError("x" * 5_000_000)


def reads_stdin():
    return input("your name? ")


def reads_the_terminal():
    return open("/dev/tty").read()


def closes_stdout():
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)
    return Network()


def closes_everything():
    os.closerange(0, 1024)
    return Network()


def writes_to_every_file():
    for number in range(3, 64):
        try:
            os.write(number, b"\0\0\0\2[]" * 10)
        except OSError:
            pass
    return Network()


def prints_megabytes():
    for _ in range(64):
        sys.stdout.write("x" * (1 << 20))
    return Network()


def prints_to_the_terminal():
    print("\x1b[2J\x1b]0;owned\x07" + "\udcff", flush=True)
    os._exit(1)


def starts_threads():
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(1000,)).start()
    return Network()


def starts_a_program():
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    return Network()


def starts_a_daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    return Network()


def dies_and_leaves_a_child():
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(5)


def never_ends_at_exit():
    atexit.register(time.sleep, 1000)
    return Network()


def moves():
    os.chdir("/")
    return Network()


def clears_the_environment():
    os.environ.clear()
    return Network()


def clears_the_path():
    sys.path.clear()
    sys.path_importer_cache.clear()
    return Network()


def forbids_warnings():
    warnings.simplefilter("error")
    warnings.warn("mine", stacklevel=2)
    return Network()


def logs_everything():
    logging.basicConfig(level=0, force=True)
    logging.disable(0)
    logging.getLogger().critical("listen")
    return Network()


def seeds():
    random.seed(1)
    return Network()


def masks():
    os.umask(0o777)
    return Network()


def leaves_temporary_files():
    for _ in range(5):
        tempfile.mkdtemp()
        tempfile.mkstemp()
    return Network()


def opens_all_files():
    files = []
    try:
        while True:
            files.append(open(os.devnull))
    except OSError:
        return Network()


def replaces_builtins():
    builtins.open = builtins.print = builtins.isinstance = None
    return Network()


def replaces_json():
    json.dumps = lambda *_, **__: "true"
    return Network()


def forgets_modules():
    for name in [*sys.modules]:
        if name.startswith(("json", "resnet_verify")):
            del sys.modules[name]
    return Network()


def traces():
    sys.settrace(lambda *_: leaves_with_os_exit())
    return Network()


def gives_a_mock():
    return MagicMock()


def gives_a_liar():
    return Liar()


def gives_a_number():
    return 50


def gives_a_type():
    return Network


def gives_a_generator():
    yield Network()


def gives_another_each_time():
    return random.choice([Network(), 3])


def gives_nothing():
    return None


def judged_while(misdeed):
    return lambda: Network(misdeed=misdeed)


leaves_in_forward = judged_while(leaves_with_sys_exit)
vanishes_in_forward = judged_while(leaves_with_os_exit)
crashes_in_forward = judged_while(reads_null)
loops_in_forward = judged_while(loops)
loops_in_forward_and_catches_all = judged_while(loops_and_catches_all)
holds_the_interpreter_in_forward = judged_while(holds_the_interpreter)
waits_deaf_in_forward = judged_while(waits_deaf)
stops_in_forward = judged_while(stops_itself)
recurses_in_forward = judged_while(recurses)
overflows_in_forward = judged_while(overflows_the_stack)
allocates_in_forward = judged_while(allocates)
raises_mute_in_forward = judged_while(raises_mute)
raises_beyond_in_forward = judged_while(raises_beyond)
raises_payload_in_forward = judged_while(raises_payload)
reads_stdin_in_forward = judged_while(reads_stdin)
closes_everything_in_forward = judged_while(closes_everything)
starts_a_daemon_in_forward = judged_while(starts_a_daemon)
