"""Reads the catalogue from the store: versions in use, segments, templates and the policy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from sqlalchemy import Connection

from sojourn.customer import lifecycle, scores
from sojourn.customer.references import Definitions
from sojourn.errors import Invalid
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message import policy as policies
from sojourn.message import template as template_text
from sojourn.message.policy import Policy
from sojourn.message.template import Template
from sojourn.rule.text import parse
from sojourn.runtime.belonging.watched import Written, watched
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.proving import experiments, terms
from sojourn.store.definitions import documents, journeys, segments, settings, stamp, templates
from sojourn.store.definitions.journeys import Journey, Version

POLICY = "policy"
"""The name of the setting that holds the policy."""


def published(connection: Connection) -> Catalogue:
    """Everything that is published; what is stored was checked when it came in."""
    known, written = definitions(connection)
    states = {journey.id: journey for journey in journeys.every(connection)}
    by_journey = groupby(journeys.in_use(connection), key=lambda version: version.journey)
    offered = [
        _offered(states[journey], list(versions))
        for journey, versions in by_journey
        if states[journey].state == "live"
    ]
    programs = [(program.version, program.journey) for one in offered for program in one.programs]
    return Catalogue(
        journeys=tuple(sorted(offered, key=lambda one: (one.newest.journey.priority, one.newest.name))),
        segments=known.named,
        stages=known.stages,
        followed=watched(known, programs, written),
        templates={one.name: _read_template(one.text) for one in templates.every(connection)},
        policy=policy(connection),
        holdout=terms.load(connection).holdout,
        winners=experiments.winners(connection),
        stamp=stamp.stamp(connection),
    )


def definitions(connection: Connection) -> tuple[Definitions, dict[str, Written]]:
    """All segments, scores, stages and lists, and by what paths call them, as what each was written."""
    kept, texts = segments.every(connection), documents.every(connection)
    data = {one.name: one for one in texts if one.kind == "score"}
    stages = next((one for one in texts if one.kind == "lifecycle"), None)
    known = Definitions(
        {one.name: parse(msgspec.json.decode(one.rule)) for one in kept},
        {name: scores.parse(msgspec.json.decode(one.definition)) for name, one in data.items()},
        lifecycle.parse(msgspec.json.decode(stages.definition)) if stages else (),
        frozenset(one.name for one in texts if one.kind == "list"),
    )
    written = {f"segment {one.name}": Written(one.id, one.version, one.updated) for one in kept}
    for one in texts:
        called = lifecycle.NAME if one.kind == "lifecycle" else f"{one.kind} {one.name}"
        written[called] = Written(one.id, one.version, one.updated)
    return known, written


def policy(connection: Connection) -> Policy:
    """The policy that is set, by default the strictest: marketing needs an opt-in."""
    data = settings.get(connection, POLICY)
    return Policy() if data is None else policies.parse(data)


def read_template(text: str, source: str = "") -> Template:
    """The template that YAML describes; Invalid with the place of the first mistake."""
    try:
        data = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise Invalid(error.problem or "is no YAML", source=source, line=line) from None
    return template_text.parse(data, source=source)


# To read a journey takes 10 ms: too long to read all of them again whenever one template is edited.
_read_journey, _read_template = lru_cache(1024)(read_journey), lru_cache(1024)(read_template)


def _offered(journey: Journey, versions: Sequence[Version]) -> Offered:
    programs = tuple(Program(_read_journey(version.text), version.id) for version in versions)
    return Offered(journey.id, programs, versions[-1].state == "open")
