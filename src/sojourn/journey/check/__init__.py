"""What is wrong with a journey, told before anybody meets it."""

from sojourn.journey.check.check import check
from sojourn.journey.check.finding import ERROR, WARNING, Finding, Known
from sojourn.journey.check.names import events_from_outside

__all__ = ["ERROR", "WARNING", "Finding", "Known", "check", "events_from_outside"]
