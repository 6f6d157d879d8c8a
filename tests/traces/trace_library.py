"""Fills in a trace that names a journey of the library: the journey, its segments and its templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from sojourn.cli.commands.library import texts


def filled_in(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trace with all that comes with the journey that it names under `library`."""
    if "library" not in data:
        return data
    read = [YAML(typ="safe").load(text) for path, text in texts(data["library"]).items() if ".yaml" in path]
    (journey,) = (one for one in read if "steps" in one)
    segments = {one["segment"]: one["rule"] for one in read if "segment" in one}
    templates = {one.pop("name"): one for one in read if "name" in one}
    return {"journey": journey, "segments": segments, "templates": templates, **data}
