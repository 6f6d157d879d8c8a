"""Finds the plug-ins of a kind: every module of a folder declares exactly one."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

from sojourn.errors import BrokenInvariant

Declaration = TypeVar("Declaration")


def declared(package: ModuleType, kind: type[Declaration]) -> dict[str, Declaration]:
    """The declarations of type `kind` in the modules of `package`, by their `name`, sorted.

    A module whose name starts with an underscore is no plug-in.  Raises BrokenInvariant when a
    module declares none or several, or when two share a name.
    """
    found: dict[str, Declaration] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_"):
            continue
        declaration = _only_one(importlib.import_module(f"{package.__name__}.{info.name}"), kind)
        name = str(declaration.name)  # type: ignore[attr-defined]
        if name in found:
            raise BrokenInvariant(f"{package.__name__}: two plug-ins are named {name!r}")
        found[name] = declaration
    return dict(sorted(found.items()))


def _only_one(module: ModuleType, kind: type[Declaration]) -> Declaration:
    found = [value for value in vars(module).values() if isinstance(value, kind)]
    if len(found) != 1:
        raise BrokenInvariant(f"{module.__name__} declares {len(found)} {kind.__name__}, not one")
    return found[0]
