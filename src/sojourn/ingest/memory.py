"""Remembers whose the ids of events are, so that most events of a known customer ask the database nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.event import Event
from sojourn.store import customers
from sojourn.store.access.rows import is_postgres
from sojourn.tape.tape import LONG_AGO, Ints

_MOST = 100_000  # entries, some 40 MB; beyond it we forget all and begin anew

_ALWAYS = int(LONG_AGO)

Identities = tuple[tuple[str, str], ...]


class Memory:
    """What is committed of ids that were seen together: their subject, and since when they are linked.

    A subject is one for ever.  Whose customer it is may change, and is remembered only on SQLite,
    where nobody but this process writes.
    """

    def __init__(self) -> None:
        self._subjects: dict[Identities, tuple[int, int, int]] = {}
        self._customers: dict[int, int] = {}

    def subjects(self, events: Sequence[Event]) -> Ints:
        """The subject of each of n events, int64[n], 0 where it may say something new of who is who."""
        return np.fromiter(map(self._subject, events), np.int64, len(events))

    def subjects_of(self, identities: Iterable[tuple[str, str]]) -> Ints:
        """The subject of each identity that was seen alone, 0 where it is not remembered."""
        nobody = (0, 0, 0)
        return np.array([self._subjects.get((identity,), nobody)[2] for identity in identities], np.int64)

    def customers(self, connection: Connection, subjects: Ints) -> Ints:
        """Whose customer each of n subjects is, int64[n]."""
        if is_postgres(connection):
            return customers.customers_of(connection, subjects)
        owners = [self._customers.get(subject, 0) for subject in subjects.tolist()]
        return np.array(owners, np.int64) if all(owners) else customers.customers_of(connection, subjects)

    def learn(self, events: Iterable[Event], subjects: Ints, owners: Ints) -> None:
        """Remember whose these events are, once that is committed."""
        self._make_room()
        for event, subject, owner in zip(events, subjects.tolist(), owners.tolist(), strict=True):
            if not event.alias:
                known = self._subjects.get(event.identities)
                first = (event.happened, event.key, subject)
                self._subjects[event.identities] = min(first, known) if known else first
                self._customers[subject] = owner

    def learn_alone(self, identities: Iterable[tuple[str, str]], subjects: Ints, owners: Ints) -> None:
        """Remember whose these identities are, once that is committed, in whatever event they come."""
        self._make_room()
        for identity, subject, owner in zip(identities, subjects.tolist(), owners.tolist(), strict=True):
            self._subjects[(identity,)] = (_ALWAYS, 0, subject)
            self._customers[subject] = owner

    def forget(self, subjects: Ints) -> None:
        """Forget whose these subjects are: it is changing."""
        for subject in subjects.tolist():
            self._customers.pop(subject, None)

    def _subject(self, event: Event) -> int:
        known = self._subjects.get(event.identities)
        if known is None or event.alias or event.happened < known[0]:
            return 0
        return 0 if event.happened == known[0] and event.key < known[1] else known[2]

    def _make_room(self) -> None:
        if len(self._subjects) > _MOST:
            self._subjects.clear()
            self._customers.clear()
