"""Networks of real frameworks that do what no network should.

Each is a ResNet-20 for small images of the framework that is named, "paddle" or "torch", but for
what its name says.
"""

import logging
import os
import random
import sys
import threading
import time
import warnings
from importlib import import_module

from resnet_ref.spec import spec
from tests.isolation import misdeeds


def _network(framework, **changes):
    return import_module(f"resnet_ref.{framework}").build(spec("resnet20", "cifar-a", **changes))


def _around(framework, act):
    """A network in whose forward pass `act` has its say: it is given the framework, too."""
    library, network = import_module(framework), _network(framework)
    base = library.nn.Layer if framework == "paddle" else library.nn.Module

    class Hostile(base):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return act(library, self.network, x)

    return Hostile()


def _misdeed(misdeed):
    def act(_library, network, x):
        misdeed()
        return network(x)

    return lambda framework: _around(framework, act)


def _answer(answer):
    return lambda framework: _around(framework, lambda _library, network, x: answer(network(x)))


def plain(framework):
    return _network(framework)


def is_never_the_same(framework):
    def act(library, network, x):
        y = network(x)
        return y + library.full_like(y, random.random())

    return _around(framework, act)


def drifts(framework):
    def act(library, network, x):
        with library.no_grad():
            weight = next(iter(network.parameters()))
            weight.copy_(weight * 1.5) if framework == "torch" else weight.set_value(weight * 1.5)
        return network(x)

    return _around(framework, act)


def has_no_numbers(framework):
    network = _network(framework)
    library = import_module(framework)
    with library.no_grad():
        for weight in network.parameters():
            if framework == "torch":
                weight.fill_(float("nan"))
            else:
                weight.set_value(library.full_like(weight, float("nan")))
    return network


def has_no_classes(framework):
    return _network(framework, num_classes=0)


def has_a_million_classes(framework):
    return _network(framework, num_classes=1_000_000)


def has_ten_thousand_layers(framework):
    library = import_module(framework)
    return library.nn.Sequential(*(library.nn.ReLU() for _ in range(10_000)))


def makes_float64_the_default(framework):
    library = import_module(framework)
    library.set_default_dtype(library.float64 if framework == "torch" else "float64")
    return _network(framework)


def makes_float64_the_default_in_forward(framework):
    def act(library, network, x):
        library.set_default_dtype(library.float64 if framework == "torch" else "float64")
        return network(x)

    return _around(framework, act)


def forbids_gradients(framework):
    library = import_module(framework)
    library.set_grad_enabled(False).__enter__()
    return _network(framework)


def seeds_in_forward(framework):
    def act(library, network, x):
        random.seed(0)
        (library.manual_seed if framework == "torch" else library.seed)(0)
        return network(x)

    return _around(framework, act)


def patches_relu(framework):
    library = import_module(framework)
    relu = library.nn.functional.relu
    library.nn.functional.relu = lambda x, *_, **__: 0.5 * relu(x)
    return _network(framework)


def patches_convolution(framework):
    library = import_module(framework)
    convolution = library.nn.functional.conv2d
    library.nn.functional.conv2d = lambda *a, **k: 0.5 * convolution(*a, **k)
    return _network(framework)


def is_not_initialised(framework):
    torch = import_module("torch")
    return torch.nn.Sequential(torch.nn.LazyConv2d(16, 3), torch.nn.ReLU())


def has_nothing_but_shapes(framework):
    torch = import_module("torch")
    torch.set_default_device("meta")
    return _network("torch")


def imports_the_other(framework):
    import_module({"torch": "paddle", "paddle": "torch"}[framework])
    return _network(framework)


def is_named_oddly(framework):
    network = _around(framework, lambda _library, network, x: network(x))
    inner = network.network
    del network.network
    name = "n\udcff\n\x1b[31m é"
    adder = network.add_sublayer if framework == "paddle" else network.add_module
    adder(name, inner)
    object.__setattr__(network, "network", inner)
    return network


def contains_itself(y):
    nest = [y]
    nest.append(nest)
    return nest


def moves_everything():
    os.chdir("/")
    os.environ.clear()
    sys.path.clear()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    random.seed(1)
    os.umask(0)


def starts_a_thread():
    threading.Thread(target=time.sleep, args=(1000,)).start()


vanishes = _misdeed(misdeeds.leaves_with_os_exit)
leaves = _misdeed(misdeeds.leaves_with_sys_exit)
crashes = _misdeed(misdeeds.reads_null)
loops = _misdeed(misdeeds.loops)
loops_and_catches_all = _misdeed(misdeeds.loops_and_catches_all)
recurses = _misdeed(misdeeds.recurses)
allocates = _misdeed(misdeeds.allocates)
raises_mute = _misdeed(misdeeds.raises_mute)
raises_beyond = _misdeed(misdeeds.raises_beyond)
reads_stdin = _misdeed(misdeeds.reads_stdin)
prints = _misdeed(lambda: sys.stdout.write("x" * 1_000_000))
closes_stdout = _misdeed(misdeeds.closes_stdout)
moves = _misdeed(moves_everything)
starts_threads = _misdeed(starts_a_thread)
gives_nothing = _answer(lambda y: None)
gives_words = _answer(lambda y: "cat")
gives_itself = _answer(contains_itself)
