"""P9: what an event claims, and who is merged with whom, whatever the order of arrival."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.customer.identity import Identity, IdentityRules, Links, Sighting, Standing, claims
from sojourn.customer.merging import MOST_LINKS, Known, Resolution, news, resolve, split


class Graph:
    """The store's part of identification, in memory: subjects numbered in order of arrival."""

    def __init__(self) -> None:
        self.subjects: dict[Identity, int] = {}
        self.customers: dict[int, int] = {}
        self.kins: dict[int, int] = {}
        self.born: set[int] = set()
        self.links: dict[tuple[int, int], tuple[int, int, int, int, int]] = {}

    def accept(self, *sightings: Sighting) -> tuple[list[int], Resolution]:
        claimed = claims(sightings)
        self.born = {len(self.subjects) + 1 + i for i in range(len(claimed.identities))}
        for identity in claimed.identities:
            subject = self.subjects.setdefault(identity, len(self.subjects) + 1)
            self.customers.setdefault(subject, subject)
            self.kins.setdefault(subject, subject)
        subjects = np.array([self.subjects[identity] for identity in claimed.identities], np.int64)
        resolution = self.apply(news(claimed.links.between(subjects), Links.of(self.links.values())))
        owners = [int(subjects[owner]) if owner >= 0 else -1 for owner in claimed.owners]
        return owners, resolution

    def apply(self, fresh: Links) -> Resolution:
        resolution = resolve(fresh, self.known(fresh))
        self.links.update({row[:2]: row for row in resolution.links.rows()})
        for subject, customer, kin in zip(
            resolution.subjects.tolist(), resolution.customers.tolist(), resolution.kins.tolist(), strict=True
        ):
            self.customers[subject], self.kins[subject] = customer, kin
        return resolution

    def known(self, fresh: Links) -> Known:
        kins = {self.kins[subject] for subject in (*fresh.left.tolist(), *fresh.right.tolist())}
        subjects = sorted(subject for subject, kin in self.kins.items() if kin in kins)
        kinds = {subject: identity.kind for identity, subject in self.subjects.items()}
        rows = [row for pair, row in self.links.items() if self.kins[pair[0]] in kins]
        return Known(
            np.array(subjects, np.int64),
            tuple(kinds[subject] for subject in subjects),
            np.array([self.customers[subject] for subject in subjects], np.int64),
            np.array([self.kins[subject] for subject in subjects], np.int64),
            Links.of(rows),
            np.array([subject in self.born for subject in subjects], np.bool_),
        )

    def profiles(self) -> set[frozenset[Identity]]:
        found: dict[int, set[Identity]] = {}
        for identity, subject in self.subjects.items():
            found.setdefault(self.customers[subject], set()).add(identity)
        return {frozenset(profile) for profile in found.values()}

    def together(self, *identities: tuple[str, str]) -> bool:
        return len({self.customers[self.subjects[Identity(*identity)]] for identity in identities}) == 1


def user(value: str) -> tuple[str, str]:
    return ("user_id", value)


def anon(value: str) -> tuple[str, str]:
    return ("anonymous_id", value)


def email(value: str) -> tuple[str, str]:
    return ("email", value)


identities = st.one_of(
    st.sampled_from([user("u1"), user("u2"), user("u3")]),
    st.sampled_from([anon("a1"), anon("a2"), anon("a3")]),
    st.sampled_from([email("ada@example.org"), email("bob@example.org")]),
)
sightings = st.builds(
    Sighting,
    st.lists(identities, min_size=1, max_size=3).map(tuple),
    st.integers(0, 3),
    st.integers(1, 1000),
    st.booleans(),
    st.booleans(),
)
batches = st.lists(sightings, max_size=6, unique_by=lambda sighting: sighting.key)


@given(batches, st.data())
def test_the_order_of_arrival_and_repeats_change_no_profile(
    batch: list[Sighting], data: st.DataObject
) -> None:
    once = Graph()
    once.accept(*batch)
    again = Graph()
    for sighting in (*data.draw(st.permutations(batch)), *data.draw(st.permutations(batch))):
        again.accept(sighting)
    assert once.profiles() == again.profiles()


@settings(max_examples=10)
@given(batches.filter(lambda batch: len(batch) <= 5))
def test_every_order_of_few_events_gives_one_profile(batch: list[Sighting]) -> None:
    def profiles(order: tuple[Sighting, ...]) -> set[frozenset[Identity]]:
        graph = Graph()
        for sighting in order:
            graph.accept(sighting)
        return graph.profiles()

    assert len({frozenset(profiles(order)) for order in permutations(batch)}) == 1


@given(batches)
def test_two_known_users_are_one_only_by_a_trusted_alias(batch: list[Sighting]) -> None:
    graph = Graph()
    graph.accept(*(sighting._replace(trusted=False) for sighting in batch))
    for profile in graph.profiles():
        assert sum(identity.kind == "user_id" for identity in profile) <= 1


@given(batches)
def test_a_customer_is_named_by_its_smallest_subject_and_the_changes_are_told(batch: list[Sighting]) -> None:
    graph = Graph()
    for sighting in batch:
        before = dict(graph.customers)
        _, resolution = graph.accept(sighting)
        alive = {customer for subject, customer in before.items() if subject == customer}
        for merge in resolution.merges:
            assert graph.customers[merge.merged] == merge.kept
            assert merge.reason
        ended = {merge.merged for merge in resolution.merges}
        born = {subject for subject in graph.born if graph.customers.get(subject) == subject}
        assert not ended & graph.born
        assert set(graph.customers.values()) == (alive | born | set(resolution.splits.tolist())) - ended
    for subject, customer in graph.customers.items():
        assert customer <= subject
        assert graph.customers[customer] == customer


@given(batches)
def test_what_is_split_by_hand_is_as_before_and_stays_so(batch: list[Sighting]) -> None:
    graph = Graph()
    graph.accept(Sighting((user("u9"), anon("a9")), 0, 1))
    graph.accept(*batch)
    subject = np.array([graph.subjects[Identity(*anon("a9"))]])
    links = Links.of(graph.links.values())
    graph.apply(split(subject, graph.known(links)))
    assert not graph.together(user("u9"), anon("a9"))
    graph.accept(Sighting((user("u9"), anon("a9")), 9, 2000))
    assert not graph.together(user("u9"), anon("a9"))


def test_a_shared_device_belongs_to_who_used_it_first() -> None:
    graph = Graph()
    graph.accept(Sighting((user("bob"), anon("tablet")), 20, 2))
    graph.accept(Sighting((user("ada"), anon("tablet")), 10, 1))
    assert graph.together(user("ada"), anon("tablet"))
    assert not graph.together(user("ada"), user("bob"))


def test_an_event_belongs_to_the_user_even_on_the_device_of_another() -> None:
    graph = Graph()
    owners, _ = graph.accept(
        Sighting((anon("tablet"), user("ada")), 1, 1), Sighting((user("bob"), anon("tablet")), 2, 2)
    )
    assert owners == [graph.subjects[Identity(*user("ada"))], graph.subjects[Identity(*user("bob"))]]


def test_a_thousand_anonymous_ids_leave_a_user_with_the_first_five() -> None:
    graph = Graph()
    arrivals = [(i * 617) % 1000 for i in range(1000)] + list(range(1000, 1100))
    for low in range(0, 1100, 100):
        graph.accept(
            *(Sighting((user("u"), anon(f"a{i}")), i, i + 1) for i in arrivals[low : low + 100]),
        )
    mine = max(graph.profiles(), key=len)
    assert mine == {Identity(*user("u")), *(Identity(*anon(f"a{i}")) for i in range(5))}
    assert len(graph.links) == MOST_LINKS


def test_one_anonymous_id_on_everybody_merges_nobody() -> None:
    graph = Graph()
    for i in range(50):
        graph.accept(Sighting((user(f"u{i}"), anon("same")), i, i + 1))
    assert graph.together(user("u0"), anon("same"))
    assert len(graph.profiles()) == 50


def test_the_user_id_counts_before_the_email() -> None:
    graph = Graph()
    graph.accept(Sighting((user("ada"), email("shared@example.org")), 1, 1))
    owners, _ = graph.accept(Sighting((email("Shared@Example.org "), anon("a"), user("bob")), 2, 2))
    assert owners == [graph.subjects[Identity(*user("bob"))]]
    assert graph.together(user("bob"), anon("a"))
    assert not graph.together(user("bob"), email("shared@example.org"))


@pytest.mark.parametrize(
    "value", ["", "0", "0000-00", "-1", "null", "NULL", "anonymous", "Anonymous ", "undefined"]
)
def test_blocked_values_are_no_identity(value: str) -> None:
    claimed = claims([Sighting((user(value), anon("a")), 1, 1), Sighting((anon(value),), 2, 2)])
    assert claimed.identities == (Identity(*anon("a")),)
    assert claimed.owners.tolist() == [0, -1]
    assert len(claimed.links) == 0


def test_an_alias_from_the_server_joins_two_users_and_in_a_circle_does_nothing_more() -> None:
    graph = Graph()
    graph.accept(
        Sighting((user("old"), anon("a")), 1, 1), Sighting((user("new"), email("n@example.org")), 2, 2)
    )
    graph.accept(Sighting((user("new"), ("previous", "old")), 3, 3, alias=True, trusted=True))
    assert graph.together(user("old"), user("new"), anon("a"), email("n@example.org"))
    before = graph.profiles()
    _, resolution = graph.accept(Sighting((user("old"), ("previous", "new")), 4, 4, alias=True, trusted=True))
    assert not resolution.merges
    assert {
        frozenset(i for i in p if i.kind != "anonymous_id" or i.value == "a") for p in graph.profiles()
    } == {frozenset(i for i in p if i.kind != "anonymous_id" or i.value == "a") for p in before}


def test_an_alias_from_a_browser_takes_the_anonymous_id_but_never_another_user() -> None:
    graph = Graph()
    graph.accept(Sighting((user("victim"),), 1, 1), Sighting((anon("a"),), 1, 2))
    graph.accept(Sighting((user("me"), ("previous", "victim")), 2, 3, alias=True))
    graph.accept(Sighting((user("me"), ("previous", "a")), 3, 4, alias=True))
    assert not graph.together(user("me"), user("victim"))
    assert graph.together(user("me"), anon("a"))


def test_an_alias_to_oneself_claims_nothing() -> None:
    """What the browser SDK sends for alias('u2') after identify('u1')."""
    claimed = claims([Sighting((user("u1"), ("previous", "u1")), 1, 1, alias=True, trusted=True)])
    assert claimed.identities == (Identity(*user("u1")),)
    assert len(claimed.links) == 0


def test_two_user_ids_on_one_event_are_no_alias() -> None:
    graph = Graph()
    graph.accept(Sighting((user("u1"), user("u2")), 1, 1, trusted=True))
    assert not graph.together(user("u1"), user("u2"))


def test_users_merged_by_alias_keep_all_their_devices() -> None:
    graph = Graph()
    for i in range(5):
        graph.accept(Sighting((user("u1"), anon(f"a{i}")), i, i + 1))
        graph.accept(Sighting((user("u2"), anon(f"b{i}")), i, i + 100))
    graph.accept(Sighting((user("u2"), ("previous", "u1")), 9, 999, alias=True, trusted=True))
    assert graph.together(user("u1"), user("u2"), *(anon(f"{x}{i}") for x in "ab" for i in range(5)))


def test_merging_tells_who_was_merged_into_whom_and_why() -> None:
    graph = Graph()
    graph.accept(Sighting((anon("a"),), 1, 1), Sighting((user("u"),), 2, 2))
    _, resolution = graph.accept(Sighting((user("u"), anon("a")), 3, 3))
    (merge,) = resolution.merges
    assert (merge.kept, merge.merged) == (1, 2)
    assert merge.reason == "anonymous_id seen with user_id"


def test_an_earlier_claim_that_comes_late_gives_the_device_back() -> None:
    graph = Graph()
    graph.accept(Sighting((anon("a"), user("u1")), 5, 5))
    assert graph.together(anon("a"), user("u1"))
    _, resolution = graph.accept(Sighting((anon("a"), user("u2")), 1, 1))
    assert graph.together(anon("a"), user("u2"))
    assert not graph.together(anon("a"), user("u1"))
    assert not resolution.links.standing.tolist().count(Standing.CUT)


def test_limits_are_settings() -> None:
    rules = IdentityRules(limits={"user_id": 1, "device": 1}, other_limit=2)
    assert [rules.limit(kind) for kind in ("user_id", "device", "email")] == [1, 1, 2]
