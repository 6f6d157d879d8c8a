"""Turns a batch of rows, as Arrow columns, into arrivals without looking at a row at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa

from sojourn.customer.identity import Claims, Identity, IdentityRules, Links, Sighting, claims, normal
from sojourn.ingest.arrivals import Arrivals
from sojourn.ingest.event import Origin
from sojourn.ingest.files.format import File
from sojourn.ingest.reserved import outside
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Codes, Ints

_RULES = IdentityRules()
ADDRESSES = ("email", "phone")
"""Traits that are identities as well, as they are in an identify call."""


def from_columns(batch: pa.RecordBatch, file: File) -> Arrivals:
    """The events of rows with columns row, customer, name, happened and carried, and in an import of
    traits those of ADDRESSES that the file has."""
    keys = mix(file.fingerprint, _ints(batch, "row"))
    happened = _ints(batch, "happened")
    names, vocabulary = _encoded(batch, "name")
    carried = batch["carried"].to_pylist()
    nothing = itertools.repeat("{}" if file.mapping.traits else "", len(carried))
    claimed = _claims(batch, file, happened, keys)
    return Arrivals(
        claims=claimed,
        owners=claimed.owners,
        subjects=np.zeros(len(keys), np.int64),
        keys=keys,
        names=names,
        vocabulary=tuple(outside(name) for name in vocabulary),
        happened=happened,
        received=happened,
        origins=np.full(len(keys), Origin.IMPORT, np.int64),
        properties=list(nothing) if file.mapping.traits else carried,
        traits=carried if file.mapping.traits else list(nothing),
    )


def _claims(batch: pa.RecordBatch, file: File, happened: Ints, keys: Ints) -> Claims:
    linked = [name for name in ADDRESSES if name in batch.schema.names]
    if linked:
        return _linking(batch, file.mapping.kind, linked, happened, keys)
    places, texts = _encoded(batch, "customer")
    found: dict[Identity, int] = {}
    owners = [-1] * len(texts)
    for place, text in enumerate(texts):
        identity = normal(file.mapping.kind, text, _RULES)
        if identity:
            owners[place] = found.setdefault(identity, len(found))
    return Claims(tuple(found), np.array(owners, np.int64)[places], Links.of(()))


def _linking(batch: pa.RecordBatch, kind: str, linked: list[str], happened: Ints, keys: Ints) -> Claims:
    """Each row's own id and its addresses, which are the same person's; a customer is one row here."""
    kinds = (kind, *linked)
    values = zip(*(batch[name].to_pylist() for name in ("customer", *linked)), strict=True)
    return claims(
        Sighting(tuple((k, v) for k, v in zip(kinds, row, strict=True) if v), time, key, trusted=True)
        for row, time, key in zip(values, happened.tolist(), keys.tolist(), strict=True)
    )


def _ints(batch: pa.RecordBatch, name: str) -> Ints:
    return np.asarray(batch[name].to_numpy(zero_copy_only=False), np.int64)


def _encoded(batch: pa.RecordBatch, name: str) -> tuple[Codes, list[str]]:
    encoded = batch[name].dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()
