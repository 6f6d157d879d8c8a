"""A rule as data: a condition over a customer's traits and tape, a tree of frozen structs."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from sojourn.rule.span import Span

Scalar: TypeAlias = str | bool | int | float

OfAny = Literal["is", "is_not", "in", "exists"]
OfNumbers = Literal["above", "at_least", "below", "at_most", "between"]  # between: dates as well
OfTexts = Literal["contains", "starts_with", "ends_with", "matches"]
OfDates = Literal["before", "after", "within_last", "within_next", "more_than_ago", "more_than_ahead"]

How: TypeAlias = OfAny | OfNumbers | OfTexts | OfDates
"""The ways to compare a value."""

What = Literal["sent", "delivered", "opened", "clicked", "replied", "bounced", "done", "repeated"]

Measured = Literal["sum", "min", "max", "avg"]

WHEN = "when"
"""The name by which conditions on the first or last event ask for its own time."""


class Comparison(msgspec.Struct, frozen=True):
    """One comparison with a value; false, however it compares, of a value that is not there."""

    how: How
    value: Scalar | tuple[Scalar, ...] | Span


class Condition(msgspec.Struct, frozen=True):
    """What is asked of one property of an event; all tests must hold."""

    name: str
    tests: tuple[Comparison, ...]


class Measure(msgspec.Struct, frozen=True):
    """What is asked of the sum, least, greatest or mean of a property over the events picked."""

    of: Measured
    name: str
    tests: tuple[Comparison, ...]


class Window(msgspec.Struct, frozen=True):
    """The events that count: by default all; with several limits, those within all of them."""

    within: Span | None = None  # up to now
    between: tuple[str, str] | None = None  # ISO dates or date-times, both included
    since_entry: bool = False  # later than the run entered


class Trait(msgspec.Struct, frozen=True, tag="trait"):
    """What is asked of a trait of the customer."""

    name: str
    tests: tuple[Comparison, ...]


class Entry(msgspec.Struct, frozen=True, tag="entry"):
    """What is asked of a property of the event by which the run entered."""

    name: str
    tests: tuple[Comparison, ...]


class Performed(msgspec.Struct, frozen=True, tag="performed"):
    """The customer did something, from `least` to `most` times (None: any number)."""

    event: str
    where: tuple[Condition, ...] = ()
    least: int = 1
    most: int | None = None
    measures: tuple[Measure, ...] = ()
    first: tuple[Condition, ...] = ()  # asked of the first such event, as of now
    last: tuple[Condition, ...] = ()  # asked of the last such event, as of now
    window: Window = Window()


class Link(msgspec.Struct, frozen=True):
    """One event of a sequence."""

    event: str
    where: tuple[Condition, ...] = ()


class Sequence(msgspec.Struct, frozen=True, tag="sequence"):
    """The customer did one thing, then strictly later the next, and so on.

    From the first to the last lies at most `within`.
    """

    links: tuple[Link, ...]
    within: Span | None = None
    window: Window = Window()


class InSegment(msgspec.Struct, frozen=True, tag="in_segment"):
    """The customer meets the rule of a segment."""

    segment: str


class Outcome(msgspec.Struct, frozen=True, tag="outcome"):
    """What became of a message: of this run's step, of any run's if `journey` is named, or of a template.

    With none of them, of any message.  Opens and clicks by machines count only if `machine`.
    """

    what: What
    step: str = ""
    template: str = ""
    journey: str = ""
    where: tuple[Condition, ...] = ()
    machine: bool = False
    window: Window = Window()


class Bucket(msgspec.Struct, frozen=True, tag="bucket"):
    """The customer falls, by hash and so for ever, into the first `below` of `of` equal parts."""

    below: int
    of: int = 100
    salt: str = ""


class Scored(msgspec.Struct, frozen=True, tag="score"):
    """What is asked of a score of the customer, or of one of its groups."""

    score: str
    tests: tuple[Comparison, ...]
    group: str = ""


class InStage(msgspec.Struct, frozen=True, tag="lifecycle"):
    """The customer stands in one of these stages of the lifecycle."""

    stages: tuple[str, ...]


class OnList(msgspec.Struct, frozen=True, tag="in_list"):
    """The customer has joined a list and not left it since."""

    list: str


class All(msgspec.Struct, frozen=True, tag="all"):
    """Each of the rules holds; with none, everybody."""

    rules: tuple[Rule, ...]


class Any(msgspec.Struct, frozen=True, tag="any"):
    """At least one of the rules holds; with none, nobody."""

    rules: tuple[Rule, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The rule does not hold."""

    rule: Rule


Standing: TypeAlias = Scored | InStage | OnList
"""Where the customer stands by what was told and given of them."""

Leaf: TypeAlias = Trait | Entry | Performed | Sequence | Outcome | Bucket | Standing
"""What is read off traits, tapes and names; the rest is made of other rules."""

Rule: TypeAlias = Leaf | InSegment | All | Any | Not

EVENTS: dict[What, tuple[str, ...]] = {
    "sent": ("Email Sent", "SMS Sent", "Push Sent", "Webhook Sent"),
    "delivered": ("Email Delivered", "SMS Delivered", "Push Delivered", "Webhook Delivered"),
    "opened": ("Email Opened", "Push Opened"),
    "clicked": ("Email Link Clicked", "SMS Link Clicked", "Push Clicked"),
    "replied": ("Email Replied", "SMS Replied"),
    "bounced": ("Email Bounced", "SMS Bounced", "Push Bounced", "Webhook Bounced"),
    "done": ("Task Completed",),
    "repeated": ("Round Begun",),
}
"""The events, one a channel, that tell each outcome; the names follow the Segment specification."""

POINTS_ADDED = "Points Added"
LIFECYCLE_CHANGED = "Lifecycle Changed"
LIST_JOINED = "List Joined"
LIST_LEFT = "List Left"
