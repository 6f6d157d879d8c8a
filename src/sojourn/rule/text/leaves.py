"""Reads and writes the text of the conditions that have settings: performed, messages, scores, bucket."""

from __future__ import annotations

from reprlib import repr as shown
from typing import assert_never, get_args

from sojourn.errors import Invalid
from sojourn.rule.definition import (
    Bucket,
    Condition,
    InStage,
    Link,
    Measure,
    Measured,
    OnList,
    Outcome,
    Performed,
    Scored,
    Sequence,
    Standing,
    What,
)
from sojourn.rule.span import parse_span
from sojourn.rule.text.comparisons import (
    NUMBERS,
    OF_A_MEASURE,
    WINDOW_KEYS,
    Data,
    dump_comparisons,
    dump_where,
    dump_window,
    in_order,
    joined,
    mapping_at,
    only,
    parse_comparisons,
    parse_conditions,
    parse_pick,
    parse_where,
    parse_window,
    text_at,
)

WHATS: tuple[What, ...] = get_args(What)
MEASURED: tuple[Measured, ...] = get_args(Measured)
TIMES = ("at_least", "at_most", "exactly", "never")
PERFORMED_KEYS = ("where", *TIMES, *MEASURED, "first", "last", "then_performed", *WINDOW_KEYS)
SEQUENCE_KEYS = ("performed", "where", "then_performed", *WINDOW_KEYS)
SCORE_KEYS = ("group", *in_order(NUMBERS))

MOST_TIMES = 1_000_000
LARGEST_BUCKETS = 1_000_000
LONGEST_SEQUENCE = 20


def parse_performed(data: Data, place: str) -> Performed | Sequence:
    """The condition on what a customer did that the mapping with the key `performed` describes."""
    if "then_performed" in data:
        return _sequence(data, place)
    event = text_at(data["performed"], joined(place, "performed"), "the name of an event")
    least, most = _times(data, place)
    first, last = (_pick(data, key, place) for key in ("first", "last"))
    measures = _measures(data, place)
    if most == 0 and (measures or first or last):
        raise Invalid("asks about events that never happened", place=place)
    window = parse_window(data, place)
    return Performed(event, _where(data, place), least, most, measures, first, last, window)


def dump_performed(rule: Performed) -> dict[str, object]:
    """The mapping that parse_performed reads."""
    found = {"performed": rule.event, **_where_written(rule.where), **_times_written(rule.least, rule.most)}
    for of in MEASURED:
        asked = {one.name: dump_comparisons(one.tests) for one in rule.measures if one.of == of}
        found |= {of: asked} if asked else {}
    for key, pick in (("first", rule.first), ("last", rule.last)):
        found |= {key: dump_where(pick)} if pick else {}
    return found | dump_window(rule.window)


def dump_sequence(rule: Sequence) -> dict[str, object]:
    """The mapping that parse_performed reads as a sequence."""
    first, *links = ({"performed": link.event, **_where_written(link.where)} for link in rule.links)
    then = [link if "where" in link else link["performed"] for link in links]
    found = {**first, "then_performed": then[0] if len(then) == 1 else then}
    return found | ({"within": str(rule.within)} if rule.within else {}) | dump_window(rule.window)


def parse_outcome(data: Data, place: str) -> Outcome:
    """The condition on a message that the mapping with one of the keys of WHATS describes."""
    what = next(what for what in WHATS if what in data)
    message, at = data[what], joined(place, what)
    window = parse_window(data, place)
    if message is True:
        return Outcome(what, window=window)
    if isinstance(message, str):
        return Outcome(what, text_at(message, at, "a step"), window=window)
    found = mapping_at(message, at, "a message (or the name of a step, or true for any)")
    only(found, ("step", "template", "journey", "where", "machine"), at)
    machine = found.get("machine", False)
    if not isinstance(machine, bool):
        raise Invalid(f"must be true or false, not {shown(machine)}", place=joined(at, "machine"))
    step, template, journey = (
        text_at(found[key], joined(at, key), "a name") if key in found else ""
        for key in ("step", "template", "journey")
    )
    return Outcome(what, step, template, journey, _where(found, at), machine, window)


def dump_outcome(rule: Outcome) -> dict[str, object]:
    """The mapping that parse_outcome reads."""
    named = {key: name for key in ("step", "template", "journey") if (name := getattr(rule, key))}
    message = named | _where_written(rule.where) | ({"machine": True} if rule.machine else {})
    short: object = rule.step if message == {"step": rule.step} else message or True
    return {rule.what: short, **dump_window(rule.window)}


def parse_bucket(data: object, place: str) -> Bucket:
    """The share of all customers that `{of: 100, below: 10, salt: name}` describes."""
    found = mapping_at(data, place, "a bucket")
    only(found, ("of", "below", "salt"), place)
    if "below" not in found:
        raise Invalid("needs 'below'", place=place)
    of = _whole(found.get("of", 100), joined(place, "of"), 1, LARGEST_BUCKETS)
    salt = text_at(found["salt"], joined(place, "salt"), "a text") if "salt" in found else ""
    return Bucket(_whole(found["below"], joined(place, "below"), 0, of), of, salt)


def dump_bucket(rule: Bucket) -> dict[str, object]:
    """The mapping that parse_bucket reads."""
    return {"of": rule.of, "below": rule.below} | ({"salt": rule.salt} if rule.salt else {})


def parse_standing(data: Data, place: str) -> Standing:
    """The condition with the key `score`, `lifecycle` or `in_list`."""
    if "score" in data:
        return _score(data, place)
    if "lifecycle" in data:
        return InStage(_stages(data["lifecycle"], joined(place, "lifecycle")))
    return OnList(text_at(data["in_list"], joined(place, "in_list"), "the name of a list"))


def dump_standing(rule: Standing) -> dict[str, object]:
    """The mapping that parse_standing reads."""
    match rule:
        case Scored(score, tests, group):
            return {"score": score, **({"group": group} if group else {}), **dump_comparisons(tests)}
        case InStage(stages):
            return {"lifecycle": stages[0] if len(stages) == 1 else list(stages)}
        case OnList(name):
            return {"in_list": name}
        case _:
            assert_never(rule)


def _score(data: Data, place: str) -> Scored:
    score = text_at(data["score"], joined(place, "score"), "the name of a score")
    at = joined(place, "group")
    group = text_at(data["group"], at, "the name of a group") if "group" in data else ""
    if isinstance(between := data.get("between"), list) and any(isinstance(one, str) for one in between):
        raise Invalid("must be two numbers", place=joined(place, "between"))
    return Scored(score, parse_comparisons(data, place, NUMBERS), group)


def _stages(data: object, place: str) -> tuple[str, ...]:
    """The stage, or the list of stages."""
    if not isinstance(data, list | tuple):
        return (text_at(data, place, "a stage of the lifecycle, or a list of them"),)
    if not data:
        raise Invalid("names no stage", place=place)
    return tuple(text_at(one, f"{place}[{n}]", "a stage") for n, one in enumerate(data))


def _sequence(data: Data, place: str) -> Sequence:
    only(data, SEQUENCE_KEYS, place)
    then, at = data["then_performed"], joined(place, "then_performed")
    several = [(one, f"{at}[{n}]") for n, one in enumerate(then)] if isinstance(then, list) else [(then, at)]
    if not 1 <= len(several) < LONGEST_SEQUENCE:
        raise Invalid(f"must be one event or a list of up to {LONGEST_SEQUENCE - 1}", place=at)
    within = parse_span(data["within"], joined(place, "within")) if "within" in data else None
    rest = {key: data[key] for key in ("between", "since") if key in data}
    first = {key: data[key] for key in ("performed", "where") if key in data}
    links = (_link(first, place), *(_link(*one) for one in several))
    return Sequence(links, within, parse_window(rest, place))


def _link(data: object, place: str) -> Link:
    if isinstance(data, str):
        return Link(text_at(data, place, "the name of an event"))
    found = mapping_at(data, place, "an event that follows")
    only(found, ("performed", "where"), place)
    if "performed" not in found:
        raise Invalid("needs 'performed'", place=place)
    event = text_at(found["performed"], joined(place, "performed"), "the name of an event")
    return Link(event, _where(found, place))


def _times(data: Data, place: str) -> tuple[int, int | None]:
    """From how often to how often; a bare `performed` is at least once."""
    if "exactly" in data or "never" in data:
        key = "exactly" if "exactly" in data else "never"
        for other in set(TIMES) & set(data) - {key}:
            raise Invalid(f"cannot stand beside {key!r}", place=joined(place, other))
        if key == "never" and data[key] is not True:
            raise Invalid("must be true; leave it out to ask that it happened", place=joined(place, key))
        times = _whole(data["exactly"], joined(place, key), 0, MOST_TIMES) if key == "exactly" else 0
        return times, times
    most = _whole(data["at_most"], joined(place, "at_most"), 0, MOST_TIMES) if "at_most" in data else None
    if "at_least" not in data:
        return (1, None) if most is None else (0, most)
    least = _whole(data["at_least"], joined(place, "at_least"), 1, MOST_TIMES)
    if most is not None and least > most:
        raise Invalid(f"at least {least} and at most {most} is never", place=joined(place, "at_least"))
    return least, most


def _whole(data: object, place: str, least: int, most: int) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or not least <= data <= most:
        raise Invalid(f"must be a whole number from {least} to {most}, not {shown(data)}", place=place)
    return int(data)


def _measures(data: Data, place: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(of, condition.name, condition.tests)
        for of in MEASURED
        if of in data
        for condition in parse_conditions(data[of], joined(place, of), OF_A_MEASURE)
    )


def _where(data: Data, place: str) -> tuple[Condition, ...]:
    return parse_where(data["where"], joined(place, "where")) if "where" in data else ()


def _pick(data: Data, key: str, place: str) -> tuple[Condition, ...]:
    return parse_pick(data[key], joined(place, key)) if key in data else ()


def _where_written(where: tuple[Condition, ...]) -> dict[str, object]:
    return {"where": dump_where(where)} if where else {}


def _times_written(least: int, most: int | None) -> dict[str, object]:
    if most is None:
        return {} if least == 1 else {"at_least": least}
    if least == most:
        return {"exactly": most} if most else {"never": True}
    return {"at_least": least, "at_most": most} if least else {"at_most": most}
