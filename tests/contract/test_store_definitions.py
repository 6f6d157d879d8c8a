"""What people define: journeys, templates, segments, settings and keys, on both stores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import Connection
from store_rows import NOW

from sojourn.errors import Conflict, NotFound
from sojourn.store.database import Database
from sojourn.store.definitions import journeys, keys, segments, settings, templates
from sojourn.store.definitions.segments import Membership
from sojourn.store.definitions.stamp import stamp
from sojourn.store.tables import NEVER


def test_a_journey_is_drafted_and_published(database: Database) -> None:
    made = database.write(lambda connection: journeys.create(connection, "welcome", "a", NOW))
    assert (made.state, made.etag, made.draft) == ("draft", 1, "a")
    saved = database.write(
        lambda connection: journeys.save_draft(connection, "welcome", "b", NOW + 1, match=1)
    )
    assert (saved.etag, saved.draft, saved.updated) == (2, "b", NOW + 1)
    first = database.write(lambda connection: journeys.publish(connection, "welcome", "b", NOW))
    second = database.write(lambda connection: journeys.publish(connection, "welcome", "c", NOW))
    assert (first.number, first.state, second.number, second.state) == (1, "open", 2, "open")
    with database.reading() as connection:
        assert [(v.number, v.state, v.text) for v in journeys.in_use(connection)] == [
            (1, "closing", "b"),
            (2, "open", "c"),
        ]
        assert [journey.state for journey in journeys.every(connection)] == ["live"]


def test_two_editors_never_overwrite_each_other(database: Database) -> None:
    database.write(lambda connection: journeys.create(connection, "welcome", "a", NOW))
    database.write(lambda connection: journeys.save_draft(connection, "welcome", "b", NOW, match=1))
    with pytest.raises(Conflict):
        database.write(lambda connection: journeys.save_draft(connection, "welcome", "c", NOW, match=1))
    with pytest.raises(Conflict):
        database.write(lambda connection: journeys.create(connection, "welcome", "z", NOW))
    with pytest.raises(NotFound):
        database.write(lambda connection: journeys.save_draft(connection, "other", "z", NOW))


def test_templates_keep_their_versions(database: Database) -> None:
    database.write(lambda connection: templates.save(connection, "hello", "one", NOW, match=0))
    database.write(lambda connection: templates.save(connection, "hello", "two", NOW, match=1))
    database.write(lambda connection: templates.save(connection, "bye", "x", NOW))
    with database.reading() as connection:
        assert templates.find(connection, "hello").text == "two"
        assert templates.find(connection, "hello", 1).text == "one"
        assert [(t.name, t.version) for t in templates.every(connection)] == [("bye", 1), ("hello", 2)]
        with pytest.raises(NotFound):
            templates.find(connection, "nothing")
    with pytest.raises(Conflict):
        database.write(lambda connection: templates.save(connection, "hello", "three", NOW, match=1))


def test_segments_and_who_is_in_them(database: Database) -> None:
    made = database.write(lambda connection: segments.save(connection, "big", "{}", NOW))
    changed = database.write(lambda connection: segments.save(connection, "big", "[]", NOW, match=1))
    assert (made.id, changed.version) == (changed.id, 2)

    def fill(connection: Connection) -> None:
        segments.set_membership(connection, {(made.id, 3): Membership(b"\x00\xff", 1, NOW + 5)})
        both = {(made.id, 3): Membership(b"\x01", 2, NOW + 9), (made.id, 4): Membership(b"", 2)}
        segments.set_membership(connection, {**both, (segments.ALL, 3): Membership(b"", 7, NOW + 9)})

    database.write(fill)
    with database.reading() as connection:
        assert segments.membership(connection, np.array([4])) == {(made.id, 4): Membership(b"", 2)}
        assert segments.membership(connection, np.array([3]))[made.id, 3] == Membership(b"\x01", 2, NOW + 9)
        versions, horizons = segments.outlooks(connection, np.array([3, 4]))
        assert (versions.tolist(), horizons.tolist()) == ([7, 0], [NOW + 9, NEVER])
    database.write(lambda connection: segments.remove(connection, "big"))
    with database.reading() as connection:
        assert (segments.every(connection), segments.membership(connection, np.array([4]))) == ([], {})


def test_settings_are_guarded(database: Database) -> None:
    assert database.write(lambda connection: settings.put(connection, "policy", {"caps": []})) == 1
    assert database.write(lambda connection: settings.put(connection, "policy", {"caps": [1]}, match=1)) == 2
    with pytest.raises(Conflict):
        database.write(lambda connection: settings.put(connection, "policy", {}, match=1))
    with database.reading() as connection:
        assert settings.get(connection, "policy") == {"caps": [1]}
        assert settings.get(connection, "other", 7) == 7
        assert settings.etag(connection, "other") == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda connection: settings.put(connection, "policy", 1),
        lambda connection: templates.save(connection, "hello", "x", NOW),
        lambda connection: segments.save(connection, "big", "x", NOW),
        lambda connection: journeys.publish(connection, "welcome", "x", NOW),
        lambda connection: journeys.set_state(connection, "welcome", "paused", NOW),
    ],
    ids=["setting", "template", "segment", "publish", "pause"],
)
def test_workers_see_that_something_changed(
    database: Database, change: Callable[[Connection], object]
) -> None:
    database.write(lambda connection: journeys.create(connection, "welcome", "a", NOW))
    with database.reading() as connection:
        before = stamp(connection)
    database.write(change)
    with database.reading() as connection:
        assert stamp(connection) > before


def test_keys_end(database: Database) -> None:
    key = database.write(
        lambda connection: keys.create(connection, "shop", "sj_ab", "d1", ["ingest", "read"], NOW)
    )
    database.write(lambda connection: keys.create(connection, "old", "sj_cd", "d2", ["read"], NOW, NOW + 5))
    with database.reading() as connection:
        found = keys.find(connection, "d1", NOW + 9)
        assert found is not None
        assert (found.name, found.scopes) == ("shop", ("ingest", "read"))
        assert keys.find(connection, "d2", NOW + 4) is not None
        assert keys.find(connection, "d2", NOW + 5) is keys.find(connection, "d3", NOW) is None
    database.write(lambda connection: keys.used(connection, [key.id], NOW + 2))
    assert database.write(lambda connection: keys.revoke(connection, key.id, NOW + 3)).revoked == NOW + 3
    with database.reading() as connection:
        assert keys.find(connection, "d1", NOW + 4) is None
        assert [key.last_used for key in keys.every(connection)] == [NOW + 2, 0]
    with pytest.raises(NotFound):
        database.write(lambda connection: keys.revoke(connection, 99, NOW))


def test_what_a_person_wrote_is_kept_until_a_program_changes_it(database: Database) -> None:
    written = "# who matters\nsegment: big\r\nrule: {}\n"
    made = database.write(lambda c: segments.save(c, "big", "{}", NOW, text=written))
    database.write(lambda c: settings.put(c, "policy", {}, text=written))
    with database.reading() as connection:
        assert (made.text, settings.text(connection, "policy")) == (written, written)
        assert settings.text(connection, "other") == ""
    other_words = database.write(lambda c: segments.save(c, "big", "{}", NOW + 1, text="# more"))
    assert (other_words.version, other_words.updated, other_words.text) == (1, NOW, "# more")
    changed = database.write(lambda c: segments.save(c, "big", "[]", NOW))
    assert (changed.version, changed.text) == (2, "")
    database.write(lambda c: settings.put(c, "policy", {"caps": []}))
    with database.reading() as connection:
        assert settings.text(connection, "policy") == ""
