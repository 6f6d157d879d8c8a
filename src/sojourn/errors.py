"""Every error that crosses a room's border, sorted by who must act.

SojournError
├── CallerError            the caller must change the request (4xx)
│   ├── Invalid            the input is malformed; names the place in it
│   ├── NotFound           what is named does not exist
│   ├── Conflict           it does exist, or has changed since it was read
│   └── Forbidden          the caller may not do this
├── OperatorError          whoever runs Sojourn must act
│   ├── Misconfigured      a setting is missing or wrong; says what to change
│   └── Unavailable        the database or the disk cannot take work now (503)
├── FarSideError           whoever we sent to did not take it
│   ├── NotDelivered       for good
│   ├── TryLater           not now; says when
│   └── OutcomeUnknown     the connection broke after the last byte
└── BrokenInvariant        we are at fault (500)
"""

from __future__ import annotations


class SojournError(Exception):
    """Root of all errors raised on purpose."""


class CallerError(SojournError):
    """The caller must change the request."""


class Invalid(CallerError):
    """The input is malformed.

    `place` is where: a path within the document (`steps.choice.branch[0].if`) or a row
    of a file (`row 7, column time`); `source` is the file, `line` the line in it (from 1).
    """

    def __init__(self, message: str, *, place: str = "", source: str = "", line: int = 0) -> None:
        self.message, self.place, self.source, self.line = message, place, source, line
        where = ":".join(part for part in (source, str(line) if line else "") if part)
        super().__init__(": ".join(part for part in (where, place, message) if part))


class NotFound(CallerError):
    """What is named does not exist."""


class Conflict(CallerError):
    """It exists already, or has changed since it was read."""


class Forbidden(CallerError):
    """The caller may not do this."""


class OperatorError(SojournError):
    """Whoever runs Sojourn must act."""


class Misconfigured(OperatorError):
    """A setting is missing or wrong; the message says what to change."""


class Unavailable(OperatorError):
    """The database or the disk cannot take work now; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class FarSideError(SojournError):
    """Whoever we sent to did not take it; `code` is the far side's own."""

    def __init__(self, message: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class NotDelivered(FarSideError):
    """Refused for good."""


class TryLater(FarSideError):
    """Refused for now; `retry_after` is in seconds, 0 if the far side did not say."""

    def __init__(self, message: str, *, code: str = "", retry_after: int = 0) -> None:
        self.retry_after = retry_after
        super().__init__(message, code=code)


class OutcomeUnknown(FarSideError):
    """The connection broke after the last byte: taken or not, we cannot tell."""


class BrokenInvariant(SojournError):
    """A promise of our own does not hold."""


class GoesInCircles(BrokenInvariant):
    """A journey whose runs make step after step at one instant; `check` refuses whatever it sees of that."""

    def __init__(self, journey: str) -> None:
        super().__init__(f"journey {journey!r} goes in circles without a hold")
        self.journey = journey
