"""Names that only we may give an event: what we did and what came of it is believed from nobody else."""

from __future__ import annotations

from functools import lru_cache

_OURS = frozenset(
    {
        "Consent Given",
        "Consent Withdrawn",
        "Customer Erased",
        "Customers Merged",
        "Customers Parted",
        "Journey Entered",
        "Journey Left",
        "Journey Requested",
        "Message Planned",
        "Message Suppressed",
        "Segment Entered",
        "Segment Left",
        "Traits Set",
        "Unsubscribed",
    }
)
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
_GRAVE = (" Bounced", " Marked as Spam")  # of any channel: policy sends nothing more after one of these


@lru_cache(maxsize=4096)  # events have few names and many bearers
def outside(name: str) -> str:
    """The name under which an event from outside is kept: its own, unless it would pass for one of
    ours.  Another tool's `Email Opened` becomes `Email Opened (reported)`."""
    ours = name in _OURS or name.endswith(_GRAVE) or (name.startswith(_CHANNELS) and name.endswith(_FATES))
    return f"{name} (reported)" if ours else name
