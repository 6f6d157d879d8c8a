"""Sends, marks and tapes for tests of the policy, as a person would tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from sojourn.message import policy
from sojourn.message.gate import Sends
from sojourn.message.policy import Policy, Verdicts
from sojourn.tape import zones
from sojourn.tape.build import build
from sojourn.tape.tape import Column, Tape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(NamedTuple):
    customer: int
    happened: int
    name: str
    said: Mapping[str, Any] = MappingProxyType({})
    traits: Mapping[str, Any] = MappingProxyType({})


class Asked(NamedTuple):
    customer: int
    now: int
    channel: str = "email"
    purpose: str = "marketing"
    priority: int = 0


def at(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def shown(instant: int, zone: str) -> datetime:
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zones._load(zone))


def tape_of(marks: Sequence[Mark], everyone: int = 6) -> Tape:
    vocabulary = tuple(dict.fromkeys(mark.name for mark in marks))
    times = np.array([mark.happened for mark in marks], np.int64)
    return build(
        np.array([mark.customer for mark in marks], np.int64),
        times,
        None,
        np.array([vocabulary.index(mark.name) for mark in marks], np.int32),
        vocabulary,
        np.arange(1, len(marks) + 1),
        properties=columns([mark.said for mark in marks]),
        traits=columns([mark.traits for mark in marks]),
        everyone=np.arange(everyone),
    )


def columns(rows: list[Mapping[str, Any]]) -> dict[str, Column]:
    names = {name for row in rows for name in row}
    carried = {name: [index for index, row in enumerate(rows) if name in row] for name in names}
    return {
        name: Column.of(np.array(index, np.int64), [rows[at][name] for at in index])
        for name, index in carried.items()
    }


def sends_of(asked: Sequence[Asked]) -> Sends:
    channels = tuple(dict.fromkeys(each.channel for each in asked))
    purposes = tuple(dict.fromkeys(each.purpose for each in asked))
    return Sends(
        rows=np.array([each.customer for each in asked], np.int64),
        now=np.array([each.now for each in asked], np.int64),
        priority=np.array([each.priority for each in asked], np.int64),
        keys=np.arange(1, len(asked) + 1),
        channels=np.array([channels.index(each.channel) for each in asked], np.int32),
        channel_names=channels,
        purposes=np.array([purposes.index(each.purpose) for each in asked], np.int32),
        purpose_names=purposes,
    )


def reason(verdicts: Verdicts, index: int) -> str:
    code = int(verdicts.reasons[index])
    return "" if code < 0 else verdicts.reason_names[code]


def decided(rules: Policy, asked: Sequence[Asked], *tapes: Tape) -> list[tuple[int, str]]:
    verdicts = policy.decide(rules, sends_of(asked), tapes)
    return [(int(outcome), reason(verdicts, index)) for index, outcome in enumerate(verdicts.outcomes)]


def one(rules: Policy, asked: Asked, *marks: Mark) -> tuple[int, str]:
    return decided(rules, [asked], tape_of(marks))[0]
