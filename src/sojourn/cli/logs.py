"""How a server logs: a line an event on standard error, in colour for people and as JSON for machines."""

from __future__ import annotations

import logging
import sys

import structlog

_TRACEBACKS = structlog.processors.ExceptionRenderer(
    # Values of variables are somebody's data, or a secret.
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def begin(*, debug: bool = False) -> None:
    """Log from now on; `debug` lets everything through."""
    person = sys.stderr.isatty()
    person_reads = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    shown = person_reads if person else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if person else [_TRACEBACKS]),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
