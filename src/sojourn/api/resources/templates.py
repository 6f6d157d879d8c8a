"""Templates: what messages say; every change is a new version."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, put
from litestar.params import FromPath, JSONBody
from sqlalchemy import Connection

from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.errors import Invalid
from sojourn.message.template import Finding, findings
from sojourn.runtime.publishing.published import read_template
from sojourn.store.definitions import templates
from sojourn.store.definitions.templates import Template


class Text(msgspec.Struct, frozen=True):
    """A template as YAML."""

    text: str


class Saved(msgspec.Struct, frozen=True):
    """The version that a text became, and what to look at before it is used."""

    template: Template
    findings: tuple[Finding, ...]


@get("/")
async def every(parts: Given) -> list[Template]:
    """The newest version of all templates, by name."""
    return await parts.read(templates.every)


@get("/{name:str}")
async def one(name: FromPath[str], parts: Given) -> Response[Template]:
    """The newest version of a template."""
    found = await parts.read(partial(templates.find, name=name))
    return tagged(found, found.version)


@put("/{name:str}")
async def save(
    request: Request[Any, Any, Any], name: FromPath[str], data: JSONBody[Text], parts: Given
) -> Response[Saved]:
    """Save a new version.  With If-Match only if that is the newest that there is."""
    template = read_template(data.text)
    if template.name != name:
        raise Invalid(f"the text is of {template.name!r}, not of {name!r}", place="name")
    match = matched(request)

    def write(connection: Connection) -> Template:
        return templates.save(connection, name, data.text, parts.database.now(), match=match)

    written = await parts.write(write)
    return tagged(Saved(written, findings(template)), written.version)


resource = Resource("templates", (every, one, save))
