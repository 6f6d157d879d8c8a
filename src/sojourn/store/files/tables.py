"""The tables of what lies in files, and of what comes in from them: further ones of the schema."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from sojourn.store.access.columns import big, bigs, row_id, table, text, texts

lake_segments = table(
    "lake_segments",
    row_id(),
    text("name", unique=True),
    big("bucket", index=True),
    big("generation"),
    *bigs("first", "last"),  # the range of the log that it was sealed from
    *bigs("earliest", "latest"),  # instants at which its events happened
    *bigs("rows", "bytes"),
)

imports = table(
    "imports",
    row_id(),
    text("file"),
    text("fingerprint", unique=True),
    text("mapping"),
    big("done", 0),
    text("state"),
    text("error", ""),
    *bigs("created", "updated"),
)

costs = table(
    "costs",
    row_id(),
    *texts("journey", "channel", "period", "currency"),
    *bigs("begins", "ends"),
    big("amount"),  # millionths of the currency's unit
    big("imported"),
    UniqueConstraint("journey", "channel", "begins", "ends", "currency"),
)

quarantine = table(
    "quarantine",
    row_id(),
    big("at"),
    *texts("source", "raw", "reason"),
    big("tries", 1),
    big("replayed", 0),
)

attempts = table("attempts", row_id("fingerprint", autoincrement=False), big("tries"), big("at"))
