"""Shows what journeys caused and what that is worth, in sentences that say how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sojourn.cli import answer

if TYPE_CHECKING:
    from sojourn.cli.client import Api

_GOAL = {"more": "More customers reach the goal", "less": "Fewer customers reach the goal"}
_SURE = "These bounds hold at 95 %, however often you look."


def ask(api: Api, what: str, **options: object) -> dict[str, Any]:
    """The question and the answer of /api/proof; options that are empty are left out."""
    given = {name: str(value).lower() for name, value in options.items() if value is True}
    given |= {name: str(value) for name, value in options.items() if value and value is not True}
    found: dict[str, Any] = api.call("GET", f"/api/proof/{what}?{urlencode(given)}")
    return found


def show_lift(found: dict[str, Any]) -> None:
    """Print a lift: the arms, and what may be said of them."""
    question, told = found["question"], found["answer"]
    money = question.get("money") is not None
    heads = (
        "",
        "entered",
        "time is up",
        "spent anything" if money else "reached the goal",
        _mean(money),
        "at 95 %",
    )
    arms = (("journey", told["treated"]), ("held out", told["holdout"]))
    rows = [
        (name, arm["entered"], arm["count"], arm["reached"], _of(arm["mean"], money), _between(arm))
        for name, arm in arms
    ]
    answer.as_table(heads, rows, title=f"within {_days(question['within'])} of the first entry")
    answer.say(sentence(told, money))
    if told["mixed"]:
        answer.say(f"{told['mixed']} customers are in neither: once held out, once not (merged since).")


def show_roi(found: dict[str, Any]) -> None:
    """Print what a journey cost and brought."""
    told = found["answer"]
    money = told["currency"]
    rows: list[tuple[str, object]] = [("customers who went through", told["customers"])]
    rows += [(f"cost of {channel}", _amount(cost)) for channel, cost in told["by_channel"].items()]
    rows += [(name, _amount(told[name])) for name in ("cost", "revenue", "profit")]
    within = _days(found["question"]["within"])
    answer.as_table(("", money or "amount"), rows, title=f"within {within} of an entry")
    answer.say(f"Profit is {told['margin']:.0%} of revenue." + _elsewhere(told))
    if not told["customers"]:
        answer.say("Nobody went through in that time whose time is up.")
        return
    if told["roi"] is None:
        answer.say("No costs are known for that time, so there is no return: import them by `import costs`.")
    else:
        answer.say(f"Return after the journey: {told['roi']:+.0%}, whether or not it was the cause.")
    answer.say(_caused(told, money))


def sentence(told: dict[str, Any], money: bool) -> str:
    """What may be said of a lift."""
    match told["verdict"]:
        case "refused":
            return f"Refused: {told['why']}. Find out why before you look at any number."
        case "too early to say":
            seen = told["difference"]
            far = f" So far {_difference(seen, money)}." if seen else ""
            return f"Too early to say: {told['why']}.{far}"
        case verdict:
            relative = told["relative"]
            share = f", which is {_range(relative, _percent)} of what happens anyway" if relative else ""
            what = f"Customers spend {verdict}" if money else _GOAL[verdict]
            return f"{what} because of the journey: {_difference(told['difference'], money)}{share}. {_SURE}"


def _caused(told: dict[str, Any], currency: str) -> str:
    lift, incremental, returned = told["lift"], told["incremental"], told["incremental_roi"]
    if lift is None:
        return "How much of it the journey caused cannot be told: nobody is held out (`holdout: 10%`)."
    if incremental is None or lift["verdict"] == "refused":
        return f"How much of it the journey caused: {sentence(lift, money=True)}"
    early = "too early to say; so far " if lift["verdict"] == "too early to say" else ""
    amount = _range(incremental, lambda value: _amount(value, "+"), currency)
    share = f", a return of {_range(returned, _percent)}" if returned else ""
    return f"Profit that the journey caused: {early}{amount}{share}. {_SURE}"


def _elsewhere(told: dict[str, Any]) -> str:
    left = told["elsewhere"]
    return f" {left} payments in other currencies are left out." if left else ""


def _difference(found: dict[str, float], money: bool) -> str:
    unit = "a customer" if money else "points"
    return _range(found, lambda value: _amount(value, "+") if money else f"{value * 100:+.1f}", unit)


def _range(found: dict[str, float], said: Callable[[float], str], unit: str = "") -> str:
    value = f"{said(found['value'])} {unit}".rstrip()
    return f"{value} (between {said(found['low'])} and {said(found['high'])})"


def _amount(value: float, sign: str = "-") -> str:
    return f"{value:{sign},.2f}".replace(",", " ")


def _percent(value: float) -> str:
    return f"{value:+.0%}"


def _mean(money: bool) -> str:
    return "each spent" if money else "share"


def _of(mean: float | None, money: bool) -> str:
    if mean is None:
        return ""
    return _amount(mean) if money else f"{mean:.1%}"


def _between(arm: dict[str, Any]) -> str:
    return "" if arm["low"] is None else f"{arm['low']:.1%} to {arm['high']:.1%}"


def _days(microseconds: int) -> str:
    from sojourn.rule.span import DAY, Span

    days, rest = divmod(microseconds, DAY)
    return str(Span(0, days, rest))
