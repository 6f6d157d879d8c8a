"""The lifecycle: the stages in order, and in which a customer stands."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody

from sojourn.api import documents
from sojourn.api.documents import Finding, Shown, Text
from sojourn.api.parts import Given
from sojourn.api.people import tape_of
from sojourn.api.resource import Resource
from sojourn.customer.lifecycle import NAME
from sojourn.rule.cohort import Cohort
from sojourn.rule.picks import lasts, performed
from sojourn.rule.standing.marks import CHANGES
from sojourn.runtime.explain import iso
from sojourn.runtime.publishing.published import definitions
from sojourn.tape.tape import LONG_AGO


class Standing(msgspec.Struct, frozen=True):
    """The stage in which a customer stands, and since when (ISO 8601, UTC; '' from the beginning)."""

    stage: str
    since: str


@get("/")
async def show(parts: Given) -> Response[Shown]:
    """The lifecycle that holds."""
    return await documents.one(parts, "lifecycle", NAME)


@put("/")
async def save(request: Request[Any, Any, Any], data: JSONBody[Text], parts: Given) -> Response[Shown]:
    """Define the lifecycle, or change it.  With If-Match only if nobody has changed it since."""
    return await documents.save(request, parts, "lifecycle", NAME, data.text)


@delete("/")
async def remove(parts: Given) -> None:
    """Remove the lifecycle; what tapes tell of it stays."""
    await documents.remove(parts, "lifecycle", NAME)


@post("/check", status_code=200, opt={"scope": "read"})
async def check(data: JSONBody[Text], parts: Given) -> list[Finding]:
    """What is wrong with a draft of the lifecycle, and what to look at."""
    return await documents.check(parts, "lifecycle", data.text)


@get("/customers/{customer:str}")
async def standing(customer: FromPath[str], parts: Given) -> Standing:
    """Where the customer with this id stands now."""
    known, _ = await parts.read(definitions)
    now, tape = np.array([parts.database.now()]), await tape_of(parts, customer)
    last = lasts(performed(CHANGES, Cohort((tape,), np.array([0]), now)))
    since, to = int(last.times()[0]), [values.column.texts[values.codes[0]] for values in last.values("to")]
    if since == LONG_AGO or not to:
        return Standing(known.stages[0].name if known.stages else "", "")
    return Standing(to[0], iso(since))


resource = Resource("lifecycle", (show, save, remove, check, standing))
