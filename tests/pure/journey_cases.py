"""What the tests of journeys are tried on: random journeys of all kinds of steps."""

from __future__ import annotations

from hypothesis import strategies as st
from rule_cases import maybe_where, rarely, rules, spans

from sojourn.journey.definition import (
    DATE_REACHED,
    REQUESTED,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    Again,
    Due,
    Goal,
    Journey,
    Opening,
    Placed,
    Trigger,
)
from sojourn.journey.effects import Mark, Notice
from sojourn.journey.effects import Send as SendAsk
from sojourn.journey.step import Step
from sojourn.journey.steps.add_score import AddScore
from sojourn.journey.steps.add_to_list import AddToList
from sojourn.journey.steps.assign_owner import AssignOwner
from sojourn.journey.steps.branch import Branch
from sojourn.journey.steps.create_task import CreateTask
from sojourn.journey.steps.deactivate import Deactivate
from sojourn.journey.steps.emit_event import EmitEvent
from sojourn.journey.steps.end_journey import EndJourney
from sojourn.journey.steps.experiment import BY_HAND, WHEN_SURE, Experiment
from sojourn.journey.steps.goal import Goal as GoalStep
from sojourn.journey.steps.incentive import Incentive
from sojourn.journey.steps.leave import Leave
from sojourn.journey.steps.loop import Loop
from sojourn.journey.steps.notify import Notify
from sojourn.journey.steps.remove_from_list import RemoveFromList
from sojourn.journey.steps.send import Send
from sojourn.journey.steps.send_unseen import SendUnseen
from sojourn.journey.steps.set_trait import SetTrait
from sojourn.journey.steps.split import Split, Way
from sojourn.journey.steps.start_journey import StartJourney
from sojourn.journey.steps.sub_journey import SubJourney
from sojourn.journey.steps.throttle import Throttle
from sojourn.journey.steps.wait import Wait
from sojourn.journey.steps.wait_for import Awaited, WaitFor
from sojourn.journey.steps.wait_until import WaitUntil
from sojourn.journey.steps.wait_until_date import Off, WaitUntilDate
from sojourn.journey.steps.webhook import Webhook
from sojourn.rule import definition as d
from sojourn.rule.span import HOUR, Span

EVENTS = ("Viewed", "Ordered")
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
texts = words.filter(lambda text: text == text.strip() and text.isprintable() and text != "")
scalars = st.one_of(texts, st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9))
mappings = st.dictionaries(texts, scalars, min_size=1, max_size=3)
since_entry = d.Window(since_entry=True)


@st.composite
def awaited(draw: st.DrawFn) -> Awaited:
    """One way of a wait_for: an event or outcome from some instant on, or any rule."""
    if draw(st.booleans()):
        return Awaited(draw(rules))
    rule: d.Performed | d.Outcome = draw(
        st.builds(d.Performed, st.sampled_from(EVENTS), maybe_where, window=st.just(since_entry))
        | st.builds(d.Outcome, st.sampled_from(("opened", "clicked")), texts, window=st.just(since_entry))
    )
    return Awaited(rule, draw(st.sampled_from(("arrival", "entry"))))


arms = st.lists(
    st.builds(Way, texts, st.floats(1e-3, 1e6)), min_size=1, max_size=3, unique_by=lambda w: w.name
)
pairs = st.lists(st.builds(Way, texts), min_size=2, max_size=3, unique_by=lambda w: w.name)
some_rules = st.lists(rules, min_size=1, max_size=3).map(tuple)
several = st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        Send,
        st.builds(SendAsk, texts, st.just("") | texts, st.just("") | texts, st.booleans()),
        st.just(()) | st.tuples(texts),
    ),
    st.builds(Wait, spans),
    st.builds(
        WaitUntil, st.integers(0, 1439), st.sets(st.integers(0, 6)).map(lambda days: tuple(sorted(days)))
    ),
    st.builds(WaitFor, st.lists(awaited(), min_size=1, max_size=3).map(tuple), st.none() | spans),
    st.builds(Branch, some_rules),
    st.builds(Split, arms.map(tuple)),
    st.builds(Experiment, pairs.map(tuple), st.sampled_from((BY_HAND, WHEN_SURE))),
    st.builds(SetTrait, st.builds(Mark, st.just("Traits Set"), traits=mappings)),
    st.builds(EmitEvent, st.builds(Mark, st.sampled_from(EVENTS), st.just({}) | mappings)),
    st.builds(Leave, st.sampled_from(("done", "lost interest", "1"))),
    st.builds(Wait, st.just(Span(microseconds=HOUR)), st.just(Span(days=9))),
    st.builds(WaitUntilDate, texts, st.booleans(), st.none() | st.builds(Off, spans, st.booleans())),
    st.builds(GoalStep, rules, st.booleans()),
    st.builds(Loop, st.integers(1, 3)),
    st.builds(AddScore, texts, st.integers(1, 9).map(float)),
    st.builds(AddToList, texts) | st.builds(RemoveFromList, texts),
    st.builds(AssignOwner, st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple), st.booleans()),
    st.builds(
        SendUnseen, st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple), st.just("") | texts
    ),
    st.builds(StartJourney, texts) | st.builds(EndJourney, texts),
    st.builds(SubJourney, texts, st.none() | spans),
    st.builds(Webhook, texts, spans),
    st.builds(Notify, st.builds(Notice, texts, st.just("") | texts)),
    st.builds(Incentive, pool=texts) | st.just(Incentive(pattern="A-??????????", trait="coupon")),
    st.builds(Throttle, st.integers(1, 1000)),
    st.builds(CreateTask, texts, spans, st.just("") | texts, wait=st.booleans()),
    st.builds(Deactivate, texts, spans, rules, st.just("") | texts),
)

keys = st.sampled_from(("", "cart.id", "cart id"))
agains = st.one_of(
    st.builds(Again, st.sampled_from(("never", "after leaving")), st.none(), keys),
    st.builds(Again, st.just("after"), spans, st.sampled_from(("", "cart"))),
    st.just(Again("parallel")),
)


@st.composite
def triggers(draw: st.DrawFn, journey: str) -> Trigger:
    """What lets customers in: an event, a segment or a call."""
    where, condition = draw(maybe_where), draw(rarely(rules, st.none()))
    segment = (d.Condition("segment", (d.Comparison("is", draw(texts)),)),)
    called = (d.Condition("journey", (d.Comparison("is", journey),)),)
    event, own = draw(
        st.sampled_from(
            (
                ("Viewed", ()),
                ("Ordered", ()),
                (SEGMENT_ENTERED, segment),
                (SEGMENT_LEFT, segment),
                (REQUESTED, called),
                (DATE_REACHED, ()),
            )
        )
    )
    due = draw(st.builds(Due, texts, st.none() | spans)) if event == DATE_REACHED else None
    if due:
        own = (d.Condition("date", (d.Comparison("is", due.name),)),)
    return Trigger(event, (*where, *own), condition, draw(agains), due)


goals = st.one_of(
    st.builds(
        Goal,
        st.builds(d.Performed, st.sampled_from(EVENTS), maybe_where, window=st.just(since_entry)),
        st.none() | spans,
    ),
    st.builds(Goal, rules),
)


step_ids = st.from_regex("[A-Za-z][A-Za-z0-9_-]{0,5}", fullmatch=True)


@st.composite
def journeys(draw: st.DrawFn, some_steps: st.SearchStrategy[Step] = steps) -> Journey:
    """Any journey that can be written; what is wrong with it is for `check` to say."""
    ids = draw(
        st.lists(
            st.from_regex("[A-Za-z][A-Za-z0-9_-]{0,5}", fullmatch=True), min_size=1, max_size=6, unique=True
        )
    )
    placed = []
    for name, following in zip(ids, [*ids[1:], ""], strict=True):
        step = draw(some_steps)
        targets = tuple(draw(rarely(st.sampled_from(ids), st.just(following))) for _ in step.exits())
        placed.append(Placed(name, step, targets))
    title = draw(texts)
    share = st.sampled_from((0.0, 0.1, 0.125, 1 / 3, 0.999))
    spots = st.tuples(st.integers(-999, 999), st.floats(-999, 999))
    return Journey(
        title,
        tuple(draw(st.lists(triggers(title), min_size=1, max_size=2))),
        tuple(placed),
        draw(st.none() | goals),
        draw(rarely(rules, st.none())),
        draw(rarely(st.just(Opening("2026-03-01", "2026-04-30")), st.none())),
        draw(share),
        draw(st.integers(-5, 5)),
        draw(st.dictionaries(st.sampled_from(ids), spots, max_size=2)),
    )
