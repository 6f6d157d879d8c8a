"""Names that only we may give an event: what we did and what came of it is believed from nobody else."""

from __future__ import annotations

from functools import lru_cache

from sojourn.customer.marks import CUSTOMERS_MERGED, CUSTOMERS_PARTED
from sojourn.journey.definition import REQUESTED
from sojourn.journey.effects import believed

_WHO_IS_WHO = (CUSTOMERS_MERGED, CUSTOMERS_PARTED)
_CHANNELS = ("Email ", "SMS ", "Push ", "Webhook ", "Slack ")
_FATES = (
    " Sent",
    " Delivered",
    " Opened",
    " Link Clicked",
    " Clicked",
    " Replied",
    " Received",
    " Unsubscribed",
)


@lru_cache(maxsize=4096)  # events have few names and many bearers
def outside(name: str) -> str:
    """The name under which an event from outside is kept: its own, unless it would pass for one of
    ours.  Another tool's `Email Opened` becomes `Email Opened (reported)`."""
    told = name.startswith(_CHANNELS) and name.endswith(_FATES)  # of any channel, whether or not it is read
    ours = told or believed(name) or name == REQUESTED or name in _WHO_IS_WHO
    return f"{name} (reported)" if ours else name
