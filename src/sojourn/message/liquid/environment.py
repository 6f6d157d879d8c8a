"""Compiles and renders Liquid: no loader, plain data, all limits set, HTML escaped, errors with a line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from liquid import BoundTemplate, Environment, Undefined
from liquid.exceptions import LiquidError

from sojourn.errors import Invalid
from sojourn.message.liquid.delimiters import check_delimiters, line_of
from sojourn.message.liquid.filters import filters
from sojourn.message.liquid.work import LARGEST_VALUE, Work, working

DEEPEST_DATA = 8

# What a filter or a value out of range makes python-liquid raise, beside its own errors.
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Missing(Undefined):
    """A variable that the data has not: renders empty, and is noted."""

    __slots__ = ()

    def __str__(self) -> str:
        noted = working.get(None)
        if noted:
            name = (self.hint or self.name).removesuffix(" is undefined").strip("'")
            noted.missing.setdefault(name)
        return ""


class _Limited(Environment):
    context_depth_limit = 20
    block_nesting_limit = 20
    loop_iteration_limit = 2_000
    output_stream_limit = 500_000  # bytes
    local_namespace_limit = 2 * LARGEST_VALUE  # bytes

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.filters = filters(self.filters)
        for name in ("include", "render"):  # there is nothing to load
            del self.tags[name]


_HTML = _Limited(autoescape=True, undefined=Missing)
_TEXT = _Limited(autoescape=False, undefined=Missing)


@lru_cache(maxsize=1024)
def compiled(source: str, *, html: bool) -> BoundTemplate:
    """The template; in `html` all values are escaped.  Raises Invalid with the line."""
    check_delimiters(source)
    environment = _HTML if html else _TEXT
    try:
        source.encode()
        template = environment.from_string(source)
        used = template.analyze().filters
    except (LiquidError, *_FAULTS) as error:
        raise _invalid(error, line_of(source, len(source))) from None
    for name in used.keys() - environment.filters.keys():
        raise Invalid(f"unknown filter {name!r}", line=line_of(source, used[name][0].index))
    return template


def rendered(template: BoundTemplate, data: Mapping[str, object], work: Work) -> str:
    """The template with this data, which must be `plain`.  Raises Invalid with the line where it is known."""
    token = working.set(work)
    try:
        return template.render(data)
    except (LiquidError, *_FAULTS) as error:
        raise _invalid(error) from None
    finally:
        working.reset(token)


def plain(value: object, depth: int = 0) -> object:
    """The value as text, numbers, lists and mappings only, as templates may see it.

    Raises Invalid for anything else, since an object could be asked for more than it shows.
    """
    if depth > DEEPEST_DATA:
        raise Invalid(f"the data of a template is nested more than {DEEPEST_DATA} deep")
    match value:
        case float() if value.is_integer() and abs(value) < 1e15:
            return int(value)  # numbers of events are floats; 3.0 is shown as 3
        case None | bool() | int() | float():
            return value
        case str():
            return value.encode("utf-8", "replace").decode() if type(value) is str else str(value)
        case Mapping():
            return {str(name): plain(part, depth + 1) for name, part in value.items()}
        case list() | tuple():
            return [plain(part, depth + 1) for part in value]
    raise Invalid(f"a template cannot show a {type(value).__name__}")


def _invalid(error: Exception, line: int = 0) -> Invalid:
    """The error with its place; with `line` where python-liquid does not say one."""
    context = error.context() if isinstance(error, LiquidError) else None
    message = error.message if isinstance(error, LiquidError) else f"cannot be rendered: {error}"
    if not context:
        return Invalid(f"{message}", line=line)
    return Invalid(f"{message} (column {context[1] + 1})", line=context[0])
