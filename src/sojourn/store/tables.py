"""The whole schema of the operational store: every table that SQLite or PostgreSQL holds.

All instants are int64 microseconds UTC; 0 says "not yet" of a past instant, NEVER "does not come" of a
future one, so no column is ever null.  Texts that hold structure are compact JSON.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Index, LargeBinary, UniqueConstraint

from sojourn.store.access.columns import big, bigs, hashed, row_id, small, table, text, texts

NEVER = 2**63 - 1

PARTITIONS = 64
"""A customer belongs to the partition of their id modulo this, for ever."""


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# Customers: every identity is a subject, with an id for ever; links say which subjects are one person.
# A customer is named by the smallest of its subjects, a kin is whatever links connect.

subjects = table(
    "subjects",
    row_id(),
    *texts("kind", "value"),
    *bigs("customer", "kin", "first_seen"),
    big("changed", 0),  # when its customer last was: a transaction, on SQLite a number
    UniqueConstraint("kind", "value"),
    _partial("subjects_merged", "customer", where="customer <> id"),
    _partial("subjects_of_kin", "kin", where="kin <> id"),
    _partial("subjects_changed", "changed", where="changed > 0"),
)

subject_links = table(
    "subject_links",
    big("left", primary_key=True),
    big("right", primary_key=True),
    *bigs("happened", "key"),
    small("standing"),
    sqlite_with_rowid=False,
)

merges = table(
    "merges",
    row_id(),
    big("kept", index=True),
    big("merged", index=True),
    big("at"),
    text("reason"),
    big("undone", 0),
)

# The log: events in the order in which they were committed.

names = table("names", row_id("code"), text("name", unique=True))

events = table(
    "events",
    row_id("position"),
    big("xid", 0),  # PostgreSQL: of the writing transaction (0001_schema sets its default)
    small("partition"),
    big("subject"),
    big("key", unique=True),
    big("run", 0),
    *bigs("name", "happened", "received"),
    small("origin"),
    *texts("properties", "traits"),
)
Index("events_by_partition", events.c.partition, events.c.xid, events.c.position).ddl_if(
    dialect="postgresql"
)  # SQLite reads all partitions in one scan of positions

partitions = table(
    "partitions",
    row_id(autoincrement=False),
    big("read_xid", 0),
    big("read_position", 0),
    big("met", 0),  # the latest received instant that was read
    big("ticked", 0),  # transaction of the last tick that held it: whoever waited longest is next
    big("due", NEVER),  # the earliest instant at which something is to be done without an event
    postgresql_with={"fillfactor": 50},
)

offsets = table("offsets", text("name", primary_key=True), big("xid", 0), big("position", 0))

# Journeys, their runs and the counts that pages show.

journeys = table(
    "journeys",
    row_id(),
    text("name", unique=True),
    *texts("draft", "state"),
    *bigs("created", "updated"),
    big("etag", 1),
    big("paused", 0),  # when it was paused last
)

versions = table(
    "versions",
    row_id(),
    *bigs("journey", "number"),
    text("text"),
    big("published"),
    text("state"),
    UniqueConstraint("journey", "number"),
)

runs = table(
    "runs",
    hashed("id"),
    *bigs("version", "journey", "customer"),
    small("partition"),
    big("slot", 0),  # hash of the value that keys re-entry, 0 when not keyed
    small("step"),
    *bigs("hop", "entered", "since", "due", "seen"),
    big("left", NEVER),
    text("reason", ""),
    big("entry_key", 0),
    Index("runs_by_customer", "customer", "journey", "slot"),
    _partial("runs_due", "partition", "due", "customer", where=f"due < {NEVER}"),
    postgresql_with={"fillfactor": 80},
)

counts = table(
    "counts",
    small("shard", primary_key=True),  # a partition that the writing tick holds, so that no two ticks meet
    big("version", primary_key=True),
    small("step", primary_key=True),
    text("what", primary_key=True),
    text("name", primary_key=True),
    big("n"),
    postgresql_with={"fillfactor": 50},
)

# The ledger of effects and what was said.

effects = table(
    "effects",
    hashed("key"),
    *bigs("run", "version", "journey"),
    small("step"),
    big("customer", index=True),
    small("partition"),
    *texts("channel", "template", "purpose", "kind"),
    text("data", ""),
    *bigs("planned", "due"),
    small("state", 0),
    big("fence", 0),
    big("attempts", 0),
    big("lease", 0),
    text("provider_ref", ""),
    text("reason", ""),
    big("content", 0),
    big("intended", 0),
    _partial("effects_claimable", "channel", "due", where="state IN (0, 4)"),  # a way reads past no other's
    _partial("effects_leased", "lease", where="state IN (1, 2)"),
    postgresql_with={"fillfactor": 70},
)

rates = table("rates", text("name", primary_key=True), big("ready"))

messages = table(
    "messages",
    hashed("effect"),
    big("customer", index=True),
    *texts("recipient", "subject", "html", "text", "headers", "hash"),
    big("created"),
    _partial("messages_by_number", "recipient", where="substr(recipient, 1, 1) = '+'"),  # who answers a text
)

links = table(
    "links",
    big("effect", primary_key=True),
    small("n", primary_key=True),
    text("url"),
)

hits = table(
    "hits",
    row_id(),
    big("effect", index=True),
    small("n"),  # which link; -1 is the pixel
    big("at"),
    text("ip"),  # keyed hash
    text("agent"),
    small("machine"),
)

# What a customer allows.

consents = table(
    "consents",
    row_id(),
    big("customer", index=True),
    *texts("channel", "purpose", "state"),
    big("at"),
    *texts("source", "proof"),
)

suppressions = table(
    "suppressions",
    text("kind", primary_key=True),
    text("value", primary_key=True),  # keyed hash of the address
    text("reason"),
    big("at"),
)

push_subscriptions = table(
    "push_subscriptions",
    hashed("key"),  # of the endpoint
    big("customer", index=True),  # as received
    text("subscription"),  # JSON, as the browser gave it
    big("created"),
    big("gone", 0),
)

optins = table(
    "optins",
    text("token", primary_key=True),  # hash
    big("customer"),
    *texts("channel", "purpose"),
    *bigs("created", "expires"),
    big("used", 0),
)

# What people define, and who may call.

segments = table(
    "segments",
    row_id(),
    text("name", unique=True),
    text("rule"),
    big("version", 1),
    big("updated"),
    text("text", ""),  # as somebody wrote it, '' where no person did
)

documents = table(
    "documents",
    row_id(),
    *texts("kind", "name", "definition"),  # JSON: scores, lists and the lifecycle
    text("text", ""),  # as somebody wrote it
    big("version", 1),
    big("updated"),
    UniqueConstraint("kind", "name"),
)

memberships = table(
    "memberships",
    big("segment", primary_key=True),
    small("partition", primary_key=True),
    sa.Column("members", LargeBinary, nullable=False),
    big("version", 0),
    big("horizon", NEVER),
)

templates = table(
    "templates",
    row_id(),
    text("name"),
    big("version"),
    text("text"),
    big("created"),
    UniqueConstraint("name", "version"),
)

settings = table(
    "settings",
    text("name", primary_key=True),
    text("value"),
    big("etag", 1),
    text("text", ""),  # as somebody wrote it, '' where no person did
)

api_keys = table(
    "api_keys",
    row_id(),
    *texts("name", "prefix"),
    text("hash", unique=True),
    text("scopes"),
    big("created"),
    big("expires", NEVER),
    big("last_used", 0),
    big("revoked", 0),
)

# What the team has to do.

tasks = table(
    "tasks",
    hashed("key"),  # of the effect that asked for it
    *bigs("customer", "run", "created", "due"),
    *texts("journey", "step", "title", "owner", "role"),
    small("awaited"),  # whether its run waits for it, and tells by itself when it is overdue
    big("done", 0),
    text("outcome", ""),
    big("overdue", 0),  # when the customer's tape was told
)
Index("tasks_open", tasks.c.due, sqlite_where=tasks.c.done == 0, postgresql_where=tasks.c.done == 0)

codes = table(
    "codes",
    row_id(),
    *texts("pool", "code"),
    big("taken", 0, index=True),  # the effect that was given it
    UniqueConstraint("pool", "code"),
)
