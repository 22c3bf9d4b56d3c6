"""Where records are kept: SQLite or PostgreSQL, through SQLAlchemy.

Records are added and never changed: the database itself refuses it. A record is written in one
transaction, so that a process that is killed leaves all of it or nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from resnet_verify.bench.record import Record

DEFAULT = ".benchmarks/resnet-verify.sqlite"
_BUSY_SECONDS = 60
_LOCK = 0x726573  # of PostgreSQL's advisory locks, the one under which the schema is changed

_metadata = sa.MetaData()
_schema = sa.Table("resnet_schema", _metadata, sa.Column("version", sa.Integer, primary_key=True))
_records = sa.Table(
    "resnet_records",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("series", sa.String(12), nullable=False),
    sa.Column("fingerprint", sa.String(16), nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("yardstick", sa.Text, nullable=False),
    sa.Column("workload", sa.Text, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("images_per_second", sa.Double, nullable=False),
    sa.Column("ratio", sa.Double),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("load", sa.Double, nullable=False),
    sa.Index("resnet_by_series", "series", "fingerprint", "at"),
)
# Apart from the records, so that lists do not read past it.
_data = sa.Table(
    "resnet_data",
    _metadata,
    sa.Column("id", sa.String(32), sa.ForeignKey("resnet_records.id"), primary_key=True),
    sa.Column("packed", sa.LargeBinary, nullable=False),
)
_shifts = sa.Table(
    "resnet_accepted_shifts",
    _metadata,
    sa.Column("id", sa.String(32), sa.ForeignKey("resnet_records.id"), primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

_REFUSE = {
    "sqlite": (
        "CREATE TRIGGER {0}_append_only BEFORE UPDATE ON {0} "
        "BEGIN SELECT RAISE(ABORT, 'records are never changed'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION resnet_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'records are never changed'; END $$",
        "CREATE TRIGGER {0}_append_only BEFORE UPDATE ON {0} "
        "FOR EACH ROW EXECUTE FUNCTION resnet_refuse()",
    ),
}


class StoreError(Exception):
    """The store cannot be used; the message says why."""


@dataclass(frozen=True)
class Series:
    """Records that were taken in the same way on the same machine; `last` is of the newest."""

    series: str
    fingerprint: str
    target: str
    yardstick: str
    workload: str
    count: int
    last: float


@dataclass(frozen=True)
class Point:
    """A record without its data, and why its shift was accepted, if it was."""

    id: str
    at: float
    verdict: str
    images_per_second: float
    ratio: float | None
    low: float | None
    high: float | None
    commit: str
    load: float
    accepted: str | None


def _first(connection: sa.Connection) -> None:
    """Version 1: records, their data, accepted shifts."""
    _metadata.create_all(connection, checkfirst=False)
    for table in (_records, _data, _shifts):
        for statement in _REFUSE[connection.dialect.name]:
            connection.exec_driver_sql(statement.format(table.name))


def _second(connection: sa.Connection) -> None:
    """Version 2: the list of all series is read from the index alone."""
    connection.exec_driver_sql("DROP INDEX resnet_by_series")
    connection.exec_driver_sql(
        "CREATE INDEX resnet_listed ON resnet_records (series, fingerprint, at, id)"
    )


MIGRATIONS = (_first, _second)
"""Each takes the schema from its place to the next version. Those that are out stay as they are."""


class Store:
    """An open store. Any number of processes may have it open, and write to it.

    Args:
        url: as SQLAlchemy has it, ``postgresql+psycopg://host/database``, or a file of SQLite.

    Raises:
        StoreError: it cannot be reached, or is newer than this version of the tool.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._engine = _engine(url)
            try:
                self._migrate()
            except BaseException:
                self._engine.dispose()
                raise
        except (sa.exc.SQLAlchemyError, OSError, ModuleNotFoundError) as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"the store {url} cannot be opened: {cause}") from error

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _migrate(self) -> None:
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            there = sa.inspect(connection).has_table(_schema.name)
            query = sa.select(sa.func.max(_schema.c.version))
            version: int = connection.execute(query).scalar_one() if there else 0
            if version > len(MIGRATIONS):
                raise StoreError(
                    f"the store {self.url} has version {version}, this resnet-verify knows "
                    f"{len(MIGRATIONS)}; use a newer one"
                )
            for number, migrate in enumerate(MIGRATIONS[version:], version + 1):
                migrate(connection)
                connection.execute(_schema.insert().values(version=number))

    def add(self, *records: Record) -> None:
        """Add records, all of them or none."""
        rows, packed = [], []
        for record in records:
            row = {column.name: getattr(record, column.name) for column in _records.columns}
            rows.append(row)
            packed.append({"id": record.id, "packed": _packed(record.data)})
        with self._engine.begin() as connection:
            connection.execute(_records.insert(), rows)
            connection.execute(_data.insert(), packed)

    def add_missing(self, records: Sequence[Record]) -> int:
        """Add those whose id is not there yet; how many they were."""
        ids = [record.id for record in records]
        query = sa.select(_records.c.id).where(_records.c.id.in_(ids))
        known = {row["id"] for row in self._rows(query)}
        new = [record for record in records if record.id not in known]
        if new:
            self.add(*new)
        return len(new)

    def series(self, prefix: str = "") -> list[Series]:
        """The series that begin with `prefix`, the one with the newest record first."""
        c = _records.c
        group = (
            sa.select(
                c.series,
                c.fingerprint,
                sa.func.count().label("count"),
                sa.func.max(c.at).label("last"),
                sa.func.min(c.id).label("any"),
            )
            .where(c.series.startswith(prefix, autoescape=True))
            .group_by(c.series, c.fingerprint)
            .subquery()
        )
        words = (c.target, c.yardstick, c.workload)
        query = (
            sa.select(group.c.series, group.c.fingerprint, *words, group.c.count, group.c.last)
            .join(_records, c.id == group.c.any)
            .order_by(group.c.last.desc())
        )
        return [Series(**row) for row in self._rows(query)]

    def points(self, series: str, fingerprint: str, newest: int = 1000) -> list[Point]:
        """The newest records of a series on one machine, oldest of them first."""
        c = _records.c
        names = ("id", "at", "verdict", "images_per_second", "ratio", "low", "high")
        query = (
            sa.select(*(c[name] for name in (*names, "commit", "load")), _shifts.c.reason)
            .outerjoin(_shifts, _shifts.c.id == c.id)
            .where(c.series == series, c.fingerprint == fingerprint)
            .order_by(c.at.desc())
            .limit(newest)
        )
        rows = [dict(row) for row in self._rows(query)]
        return [Point(accepted=row.pop("reason"), **row) for row in reversed(rows)]

    def find(self, id_prefix: str) -> Record:
        """The one record whose id begins so.

        Raises:
            StoreError: there is none, or more than one.
        """
        query = sa.select(_records).where(_records.c.id.startswith(id_prefix, autoescape=True))
        rows = self._rows(query.limit(2))
        if len(rows) != 1:
            count = "several records begin" if rows else "no record begins"
            raise StoreError(f"{count} with {id_prefix!r}; 'resnet-verify history' lists them")
        row = dict(rows[0])
        row.pop("series")
        packed = self._rows(sa.select(_data.c.packed).where(_data.c.id == row["id"]))
        return Record(data=_unpacked(packed[0]["packed"]), **row)

    def accept(self, record: Record, at: float, reason: str) -> None:
        """Note that the level shift that begins with `record` is as it should be.

        Raises:
            StoreError: it was accepted before.
        """
        try:
            with self._engine.begin() as connection:
                values = {"id": record.id, "at": at, "reason": reason}
                connection.execute(_shifts.insert().values(values))
        except sa.exc.IntegrityError as error:
            raise StoreError(f"record {record.id} has been accepted before") from error

    def prune(self, before: float) -> int:
        """Delete the records taken before `before`, in seconds since 1970; how many they were."""
        old = sa.select(_records.c.id).where(_records.c.at < before)
        with self._engine.begin() as connection:
            for table in (_data, _shifts):
                connection.execute(table.delete().where(table.c.id.in_(old)))
            return connection.execute(_records.delete().where(_records.c.at < before)).rowcount

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        with self._engine.connect() as connection:
            return connection.execute(query).mappings().all()


def _engine(url: str) -> sa.Engine:
    if "://" not in url:
        path = Path(url).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{path}"
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        # Locked when it begins: two that read first and write then would fail one another.
        sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    elif engine.dialect.name not in _REFUSE:
        raise StoreError(
            f"{engine.dialect.name} is no store: name a file, or postgresql+psycopg://"
        )
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy says BEGIN, not the driver
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _packed(data: Any) -> bytes:
    return zlib.compress(json.dumps(data).encode())


def _unpacked(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))
