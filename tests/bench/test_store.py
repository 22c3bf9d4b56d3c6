"""The store: what goes in comes out, whoever writes beside and however they end."""

import os
import signal
import subprocess
import sys
import time

import pytest

sa = pytest.importorskip("sqlalchemy")

from resnet_verify.bench import store as module  # noqa: E402
from resnet_verify.bench.store import MIGRATIONS, Store, StoreError  # noqa: E402
from tests.bench.records import record  # noqa: E402

WRITER = """
import sys
from resnet_verify.bench.store import Store
from tests.bench.records import record
url, name = sys.argv[1:]
with Store(url) as store:
    number = 0
    while True:
        one = record(number, commit=name)
        store.add(one)
        print(one.id, flush=True)
        number += 1
"""


def test_what_goes_in_comes_out(url):
    one = record(ratio=1.25, at=time.time())
    with Store(url) as store:
        store.add(one)
    with Store(url) as store:
        assert store.find(one.id[:8]) == one
        (series,) = store.series()
        assert (series.series, series.count, series.last) == (one.series, 1, one.at)
        (point,) = store.points(one.series, one.fingerprint)
        assert (point.id, point.ratio, point.accepted) == (one.id, 1.25, None)


def test_eight_writers_of_which_half_are_killed_lose_nothing(url):
    with Store(url):
        pass
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, str(i)], stdout=subprocess.PIPE)
        for i in range(8)
    ]
    for writer in writers:  # all of them write
        assert writer.stdout.readline()
    time.sleep(1)
    for writer in writers[::2]:
        writer.kill()
    time.sleep(0.5)
    for writer in writers[1::2]:
        writer.send_signal(signal.SIGTERM)
    told = [
        line.decode().strip() for writer in writers for line in writer.communicate()[0].splitlines()
    ]
    with Store(url) as store:
        (series,) = store.series()
        points = store.points(series.series, series.fingerprint, newest=10**6)
        known = {point.id for point in points}
        assert series.count == len(points) == len(known)
        assert set(filter(lambda one: len(one) == 32, told)) <= known
        assert len(known) >= 8
        for one in list(known)[:20]:
            assert len(store.find(one).data["samples"]) == 2
        orphans = store._rows(sa.select(sa.func.count()).select_from(module._data))[0]
        assert tuple(orphans.values()) == (len(known),)
        store.add(record(10**6))


def test_records_are_never_changed(url):
    with Store(url) as store:
        store.add(record())
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), store._engine.begin() as c:
            c.execute(module._records.update().values(ratio=2.0))
        assert store.points(record().series, "a" * 16)[0].ratio == 1.0


def test_a_record_that_fails_leaves_none_of_its_fellows(url):
    one = record()
    with Store(url) as store:
        with pytest.raises(sa.exc.IntegrityError):
            store.add(record(1), one, one)
        assert store.series() == []


def test_machines_are_kept_apart(url):
    with Store(url) as store:
        store.add(record(0), record(1, machine="b" * 16), record(2, machine="b" * 16))
        assert [one.count for one in store.series()] == [2, 1]
        assert len(store.points(record().series, "a" * 16)) == 1


def test_old_records_are_pruned_with_all_that_is_theirs(url):
    old, new = record(0), record(1000)
    with Store(url) as store:
        store.add(old, new)
        store.accept(old, 0.0, "why not")
        assert store.prune(1e9 + 500) == 1
        assert [point.id for point in store.points(new.series, new.fingerprint)] == [new.id]
        with pytest.raises(StoreError, match="no record begins"):
            store.find(old.id)


def test_a_shift_is_accepted_once_and_with_its_reason(url):
    one = record()
    with Store(url) as store:
        store.add(one)
        store.accept(one, 5.0, "a wider stem")
        assert store.points(one.series, one.fingerprint)[0].accepted == "a wider stem"
        with pytest.raises(StoreError, match="accepted before"):
            store.accept(one, 6.0, "again")


def test_an_older_store_is_brought_up_to_date_with_what_it_holds(url, monkeypatch):
    monkeypatch.setattr(module, "MIGRATIONS", MIGRATIONS[:1])
    one = record()
    with Store(url) as store:
        store.add(one)
    monkeypatch.undo()
    for _ in range(2):  # the second time there is nothing to do
        with Store(url) as store:
            assert store.find(one.id) == one
            assert [series.count for series in store.series()] == [1]
            with store._engine.connect() as connection:
                found = connection.execute(sa.select(module._schema.c.version)).scalars().all()
            assert sorted(found) == list(range(1, len(MIGRATIONS) + 1))


def test_a_newer_store_is_refused(url):
    with Store(url) as store, store._engine.begin() as connection:
        connection.execute(module._schema.insert().values(version=99))
    with pytest.raises(StoreError, match=f"version 99, this resnet-verify knows {len(MIGRATIONS)}"):
        Store(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "cannot be opened"),
        ("nosuchdialect://x", "cannot be opened"),
        ("oracle://x", "cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_is_said(url, message):
    with pytest.raises(StoreError, match=message):
        Store(url)


def test_a_file_that_is_no_store_is_said(tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(5000))
    with pytest.raises(StoreError, match="not a database"):
        Store(str(tmp_path / "file"))
