"""What the user points at is found, or there is one sentence that says why not."""

import sys

import pytest

from resnet_verify.target import TargetError, load_target

NETS = """
import sys

class Net:
    def __init__(self, width=1):
        self.width = width

    def parameters(self):
        return []

    @staticmethod
    def make():
        return Net(2)

model = Net(3)
value = 3

def needs(width, depth=1):
    return Net(width)

def takes_any(**kwargs):
    return Net(**kwargs)

def boom():
    raise ValueError("some\\n message")

def none():
    pass

def leave():
    sys.exit(3)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "syntax.py").write_text("def f(:")
    (tmp_path / "leaves.py").write_text("import sys; sys.exit(4)")
    (tmp_path / "depends.py").write_text("import no_such_dependency")
    (tmp_path / "raises.py").write_text("x = 1\nraise RuntimeError('at import')")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("nets.py:Net", 1),
        ("./nets.py:Net.make", 2),
        ("nets.py:model", 3),
        ("nets.py:needs?width=4", 4),
        ("nets.py:needs?width=[1, 'a']&depth=None", [1, "a"]),
        ("nets.py:takes_any?width=relu", "relu"),
    ],
)
def test_a_target_gives_a_model(text, width):
    target = load_target(text)
    assert target.name == text
    assert target.create().width == width


def test_a_module_is_found_in_the_current_folder(folder, monkeypatch):
    (folder / "nets_of_mine.py").write_text(NETS)
    try:
        assert load_target("nets_of_mine:Net").create().width == 1
    finally:
        del sys.modules["nets_of_mine"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty target (''): write 'package.module:NAME', 'path/file.py:NAME'"),
        ("?width=1", "an empty target"),
        ("pkg.models.net", "no colon before the network's name; did you mean 'pkg.models:net'?"),
        ("nets.py", "which network in that file? nets.py:NAME"),
        ("nets:", "both a module and a name are needed"),
        (":Net", "both a module and a name are needed"),
        ("nosuch.module:x", "there is no module 'nosuch' here"),
        ("json.decodr:x", "there is no module 'json.decodr'; did you mean 'json.decoder'?"),
        ("json.decoder.x:y", "'json.decoder' is a module, not a package: it holds no module 'x'"),
        ("my-mod:x", "'my-mod' is no module name; a file ends in '.py'"),
        ("net.py:Net", "there is no file net.py; did you mean nets.py?"),
        ("nowhere/net.py:Net", "there is no folder nowhere"),
        ("./:x", "is a folder; name a file in it"),
        ("model.onnx", "there is no file model.onnx"),
        ("model.onnx?batch=1", "an ONNX file takes no arguments"),
        ("json:dupms", "json has no 'dupms'; did you mean 'dumps' or 'dump'?"),
        ("nets.py:Net.mak", "nets.py.Net has no 'mak'; did you mean 'make'?"),
        ("json:dumps", "this needs the argument 'obj'; write 'json:dumps?obj=...', or name a"),
        ("os.path:join", "this needs the argument 'a'"),
        ("builtins:len", "this needs the argument 'obj', which cannot be given by name; name a"),
        ("os:sep", "this is of type str, neither a model nor a callable returning one"),
        ("os:path", "this is a module, neither a model nor a callable returning one"),
        ("nets.py:needs?depth=1", "this needs the argument 'width'; write 'nets.py:needs?depth=1&"),
        ("nets.py:needs?widht=1", "there is no argument 'widht'; did you mean 'width'?"),
        ("nets.py:Net.make?x=1", "there is no argument 'x'; it takes none"),
        ("nets.py:needs?width", "'width' is no argument; write '?name=value&name=value'"),
        ("nets.py:needs?width=1&width=2", "the argument 'width' is given twice"),
        ("nets.py:model?x=1", "this is a model already and takes no arguments"),
        ("nets.py:boom", "the factory raised ValueError: some message (nets.py, line 25, in boom)"),
        ("nets.py:none", "the factory returned None, not a model; is a 'return' missing?"),
        ("nets.py:leave", "the factory raised SystemExit: 3 (nets.py, line 31, in leave)"),
        ("nets.py:takes_any?x=1", "unexpected keyword argument 'x' (nets.py, line 22, in takes_a"),
        (
            "syntax.py:f",
            "importing syntax.py raised SyntaxError: invalid syntax (syntax.py, line 1)",
        ),
        ("leaves.py:f", "importing leaves.py called sys.exit(4)"),
        ("depends.py:f", "No module named 'no_such_dependency' (depends.py, line 1"),
        ("raises.py:f", "raised RuntimeError: at import (raises.py, line 2, in <module>)"),
        ("raises:f", "importing raises raised RuntimeError: at import (raises.py, line 2"),
    ],
)
def test_every_mistake_is_one_line(text, message):
    with pytest.raises(TargetError) as caught:
        load_target(text).create()
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    assert said.startswith(f"{text}: " if text.partition("?")[0] else "an empty target")


@pytest.mark.parametrize("framework", ["paddle", "torch", "mindspore", "onnx"])
def test_a_missing_framework_says_how_to_install_it(folder, monkeypatch, framework):
    monkeypatch.setitem(sys.modules, framework, None)
    (folder / "net_of_mine.py").write_text(f"import {framework}")
    remedy = f"it comes with: pip install 'resnet-verify[{framework}]'"
    for text in ("net_of_mine.py:net", "net_of_mine:net", f"{framework}:net"):
        with pytest.raises(TargetError) as caught:
            load_target(text)
        assert str(caught.value).endswith(remedy)
        assert "\n" not in str(caught.value)


def test_a_file_imports_its_siblings_also_when_called(folder):
    project = folder / "project"
    project.mkdir()
    (project / "own_blocks.py").write_text("width = 7")
    (project / "own_late.py").write_text("depth = 8")
    (project / "net.py").write_text(
        "from own_blocks import width\n"
        "def make():\n    from own_late import depth\n    return width, depth"
    )
    before = list(sys.path)
    assert load_target("project/net.py:make").create() == (7, 8)
    assert sys.path == before


def test_siblings_of_the_same_name_are_not_confused(folder):
    targets = []
    for number in (1, 2):
        project = folder / f"project{number}"
        project.mkdir()
        (project / "own_widths.py").write_text(f"width = {number}")
        (project / "net.py").write_text(
            "from own_widths import width\n"
            "def make():\n    import own_widths\n    return width, own_widths.width"
        )
        targets.append(load_target(f"project{number}/net.py:make"))
    first = sys.modules["own_widths"]
    assert [target.create() for target in targets] == [(1, 1), (2, 2)]
    assert sys.modules["own_widths"] is first


def test_a_file_in_a_package_may_import_relatively(folder):
    package = folder / "some_package" / "inner"
    package.mkdir(parents=True)
    for init in (package, package.parent):
        (init / "__init__.py").touch()
    (package / "sizes.py").write_text("width = 5")
    (package / "net.py").write_text("from .sizes import width\ndef make(): return width")
    assert load_target("some_package/inner/net.py:make").create() == 5


def test_nothing_is_left_behind(folder):
    wrote = sys.dont_write_bytecode
    load_target("nets.py:Net").create()
    load_target("nets.py:Net").create()
    assert not (folder / "__pycache__").exists()
    assert sys.dont_write_bytecode == wrote
    assert "nets" not in sys.modules


def test_a_file_that_changed_is_imported_again(folder):
    assert load_target("nets.py:Net").create().width == 1
    (folder / "nets.py").write_text(NETS.replace("width=1", "width=100"))
    assert load_target("nets.py:Net").create().width == 100


def test_an_interrupt_is_not_swallowed(folder):
    (folder / "stuck.py").write_text("def make():\n    raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_target("stuck.py:make").create()
