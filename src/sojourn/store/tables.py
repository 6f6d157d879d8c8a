"""The whole schema of the operational store: every table that SQLite or PostgreSQL holds.

All instants are int64 microseconds UTC; 0 says "not yet" of a past instant, NEVER "does not come" of a
future one, so no column is ever null.  Texts that hold structure are compact JSON.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Index, LargeBinary, Table, UniqueConstraint
from sqlalchemy.schema import SchemaItem

NEVER = 2**63 - 1

PARTITIONS = 64
"""A customer belongs to the partition of their id modulo this, for ever."""

metadata = sa.MetaData()
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite: only INTEGER can be the row id


def _table(name: str, *parts: SchemaItem, **options: Any) -> Table:
    return Table(name, metadata, *parts, **options)


def _id(name: str = "id", **options: Any) -> sa.Column[int]:
    return sa.Column(name, _BIG, primary_key=True, **options)


def _hash(name: str) -> sa.Column[int]:
    """A random key, in an index of its own: rows lie in the order in which they came, and move together."""
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _big(name: str, default: int | None = None, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=_said(default), **options)


def _small(name: str, default: int | None = None, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=_said(default), **options)


def _text(name: str, default: str | None = None, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default, **options)


def _bigs(*names: str) -> list[sa.Column[int]]:
    return [_big(name) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [_text(name) for name in names]


def _said(default: int | None) -> Any:
    return None if default is None else sa.text(str(default))


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# Customers: every identity is a subject, with an id for ever; links say which subjects are one person.
# A customer is named by the smallest of its subjects, a kin is whatever links connect.

subjects = _table(
    "subjects",
    _id(),
    *_texts("kind", "value"),
    *_bigs("customer", "kin", "first_seen"),
    _big("changed", 0),  # when its customer last was: a transaction, on SQLite a number
    UniqueConstraint("kind", "value"),
    _partial("subjects_merged", "customer", where="customer <> id"),
    _partial("subjects_of_kin", "kin", where="kin <> id"),
    _partial("subjects_changed", "changed", where="changed > 0"),
)

subject_links = _table(
    "subject_links",
    _big("left", primary_key=True),
    _big("right", primary_key=True),
    *_bigs("happened", "key"),
    _small("standing"),
    sqlite_with_rowid=False,
)

merges = _table(
    "merges",
    _id(),
    _big("kept", index=True),
    _big("merged", index=True),
    _big("at"),
    _text("reason"),
    _big("undone", 0),
)

# The log: events in the order in which they were committed.

names = _table("names", _id("code"), _text("name", unique=True))

events = _table(
    "events",
    _id("position"),
    _big("xid", 0),  # PostgreSQL: of the writing transaction (0001_schema sets its default)
    _small("partition"),
    _big("subject"),
    _big("key", unique=True),
    _big("run", 0),
    *_bigs("name", "happened", "received"),
    _small("origin"),
    *_texts("properties", "traits"),
)
Index("events_by_partition", events.c.partition, events.c.xid, events.c.position).ddl_if(
    dialect="postgresql"
)  # SQLite reads all partitions in one scan of positions

partitions = _table(
    "partitions",
    _id(autoincrement=False),
    _big("read_xid", 0),
    _big("read_position", 0),
    _big("met", 0),  # the latest received instant that was read
    _big("ticked", 0),  # transaction of the last tick that held it: whoever waited longest is next
    _big("due", NEVER),  # the earliest instant at which something is to be done without an event
    postgresql_with={"fillfactor": 50},
)

offsets = _table("offsets", _text("name", primary_key=True), _big("xid", 0), _big("position", 0))

# Journeys, their runs and the counts that pages show.

journeys = _table(
    "journeys",
    _id(),
    _text("name", unique=True),
    *_texts("draft", "state"),
    *_bigs("created", "updated"),
    _big("etag", 1),
)

versions = _table(
    "versions",
    _id(),
    *_bigs("journey", "number"),
    _text("text"),
    _big("published"),
    _text("state"),
    UniqueConstraint("journey", "number"),
)

runs = _table(
    "runs",
    _hash("id"),
    *_bigs("version", "journey", "customer"),
    _small("partition"),
    _big("slot", 0),  # hash of the value that keys re-entry, 0 when not keyed
    _small("step"),
    *_bigs("hop", "entered", "since", "due", "seen"),
    _big("left", NEVER),
    _text("reason", ""),
    _big("entry_key", 0),
    Index("runs_by_customer", "customer", "journey", "slot"),
    _partial("runs_due", "partition", "due", "customer", where=f"due < {NEVER}"),
    postgresql_with={"fillfactor": 80},
)

counts = _table(
    "counts",
    _small("shard", primary_key=True),  # a partition that the writing tick holds, so that no two ticks meet
    _big("version", primary_key=True),
    _small("step", primary_key=True),
    _text("what", primary_key=True),
    _text("name", primary_key=True),
    _big("n"),
    postgresql_with={"fillfactor": 50},
)

# The ledger of effects and what was said.

effects = _table(
    "effects",
    _hash("key"),
    *_bigs("run", "version", "journey"),
    _small("step"),
    _big("customer", index=True),
    _small("partition"),
    *_texts("channel", "template", "purpose", "kind"),
    _text("data", ""),
    *_bigs("planned", "due"),
    _small("state", 0),
    _big("fence", 0),
    _big("attempts", 0),
    _big("lease", 0),
    _text("provider_ref", ""),
    _text("reason", ""),
    _big("content", 0),
    _big("intended", 0),
    _partial("effects_claimable", "channel", "due", where="state IN (0, 4)"),  # a way reads past no other's
    _partial("effects_leased", "lease", where="state IN (1, 2)"),
    postgresql_with={"fillfactor": 70},
)

rates = _table("rates", _text("name", primary_key=True), _big("ready"))

messages = _table(
    "messages",
    _hash("effect"),
    _big("customer", index=True),
    *_texts("recipient", "subject", "html", "text", "headers", "hash"),
    _big("created"),
    _partial("messages_by_number", "recipient", where="substr(recipient, 1, 1) = '+'"),  # who answers a text
)

links = _table(
    "links",
    _big("effect", primary_key=True),
    _small("n", primary_key=True),
    _text("url"),
)

hits = _table(
    "hits",
    _id(),
    _big("effect", index=True),
    _small("n"),  # which link; -1 is the pixel
    _big("at"),
    _text("ip"),  # keyed hash
    _text("agent"),
    _small("machine"),
)

# What a customer allows.

consents = _table(
    "consents",
    _id(),
    _big("customer", index=True),
    *_texts("channel", "purpose", "state"),
    _big("at"),
    *_texts("source", "proof"),
)

suppressions = _table(
    "suppressions",
    _text("kind", primary_key=True),
    _text("value", primary_key=True),  # keyed hash of the address
    _text("reason"),
    _big("at"),
)

push_subscriptions = _table(
    "push_subscriptions",
    _hash("key"),  # of the endpoint
    _big("customer", index=True),  # as received
    _text("subscription"),  # JSON, as the browser gave it
    _big("created"),
    _big("gone", 0),
)

optins = _table(
    "optins",
    _text("token", primary_key=True),  # hash
    _big("customer"),
    *_texts("channel", "purpose"),
    *_bigs("created", "expires"),
    _big("used", 0),
)

# What people define, and who may call.

segments = _table(
    "segments",
    _id(),
    _text("name", unique=True),
    _text("rule"),
    _big("version", 1),
    _big("updated"),
    _text("text", ""),  # as somebody wrote it, '' where no person did
)

documents = _table(
    "documents",
    _id(),
    *_texts("kind", "name", "definition"),  # JSON: scores, lists and the lifecycle
    _text("text", ""),  # as somebody wrote it
    _big("version", 1),
    _big("updated"),
    UniqueConstraint("kind", "name"),
)

memberships = _table(
    "memberships",
    _big("segment", primary_key=True),
    _small("partition", primary_key=True),
    sa.Column("members", LargeBinary, nullable=False),
    _big("version", 0),
    _big("horizon", NEVER),
)

templates = _table(
    "templates",
    _id(),
    _text("name"),
    _big("version"),
    _text("text"),
    _big("created"),
    UniqueConstraint("name", "version"),
)

settings = _table(
    "settings",
    _text("name", primary_key=True),
    _text("value"),
    _big("etag", 1),
    _text("text", ""),  # as somebody wrote it, '' where no person did
)

api_keys = _table(
    "api_keys",
    _id(),
    *_texts("name", "prefix"),
    _text("hash", unique=True),
    _text("scopes"),
    _big("created"),
    _big("expires", NEVER),
    _big("last_used", 0),
    _big("revoked", 0),
)

# Events at rest, and what comes in.

lake_segments = _table(
    "lake_segments",
    _id(),
    _text("name", unique=True),
    _big("bucket", index=True),
    _big("generation"),
    *_bigs("first", "last"),  # the range of the log that it was sealed from
    *_bigs("earliest", "latest"),  # instants at which its events happened
    *_bigs("rows", "bytes"),
)

imports = _table(
    "imports",
    _id(),
    _text("file"),
    _text("fingerprint", unique=True),
    _text("mapping"),
    _big("done", 0),
    _text("state"),
    _text("error", ""),
    *_bigs("created", "updated"),
)

costs = _table(
    "costs",
    _id(),
    *_texts("journey", "channel", "period", "currency"),
    *_bigs("begins", "ends"),
    _big("amount"),  # millionths of the currency's unit
    _big("imported"),
    UniqueConstraint("journey", "channel", "begins", "ends", "currency"),
)

quarantine = _table(
    "quarantine",
    _id(),
    _big("at"),
    *_texts("source", "raw", "reason"),
    _big("tries", 1),
    _big("replayed", 0),
)

attempts = _table("attempts", _id("fingerprint", autoincrement=False), _big("tries"), _big("at"))
