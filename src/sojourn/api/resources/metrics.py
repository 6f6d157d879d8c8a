"""Metrics: funnels, retention, paths and whatever else is declared, asked of all events."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from sojourn.analytics.metric import Metric, all_metrics
from sojourn.api.parts import Given, Parts
from sojourn.api.resource import Resource
from sojourn.errors import Invalid, NotFound
from sojourn.lake.layout import Wanted


@get("/")
async def every() -> dict[str, Any]:
    """The metrics there are, with the JSON Schema of their questions."""
    return {name: msgspec.json.schema(metric.question) for name, metric in all_metrics().items()}


@post("/{name:str}", status_code=200, opt={"scope": "read"})
async def ask(name: FromPath[str], data: JSONBody[dict[str, Any]], parts: Given) -> Any:
    """Ask a metric; names of events that were never seen are an error."""
    metric = all_metrics().get(name)
    if metric is None:
        raise NotFound(f"there is no metric {name!r}; there are {', '.join(all_metrics())}")
    try:
        question = msgspec.convert(data, metric.question)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), place="question") from None
    return await asyncio.to_thread(_answered, parts, metric, question)


resource = Resource("metrics", (every, ask))


def _answered(parts: Parts, metric: Metric, question: msgspec.Struct) -> msgspec.Struct:
    return metric.answer(parts.history.tape(Wanted(keys=False, runs=False)), question)
