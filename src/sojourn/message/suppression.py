"""Suppression: whom nothing may be sent any more, whatever it is for."""

from __future__ import annotations

import numpy as np

from sojourn.message.gate import Gate, Sends
from sojourn.message.marks import ANY, Tapes, Told, addresses, told, trait_as_of
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import LONG_AGO, Bools, Ints

ERASED, SPAM, BOUNCED = "Customer Erased", " Marked as Spam", " Bounced"

ADDRESS = {"email": "email", "sms": "phone"}
"""The trait that holds a customer's address on a channel."""

SOFT_BOUNCES = 5
"""So many soft bounces (a full mailbox, say) within the span below are taken for a hard one."""

SOFT_SPAN = np.int64(30 * 86_400_000_000)


def erased(sends: Sends, tapes: Tapes) -> Gate:
    """Refuses whoever asked us to forget them."""
    marks = told(tapes, (ERASED,), sends.rows, sends.now)
    since = marks.latest(np.ones(len(marks), np.bool_))
    return Gate.refusing("erased", since > LONG_AGO, {"erased": since})


def complained(sends: Sends, tapes: Tapes) -> Gate:
    """Refuses the channel to whoever marked one of its messages as spam."""
    marks = told(tapes, (SPAM,), sends.rows, sends.now)
    since = marks.latest(_same_channel(marks, sends))
    return Gate.refusing("complained", since > LONG_AGO, {"complained": since})


def bounced(sends: Sends, tapes: Tapes) -> Gate:
    """Refuses the channel to whoever's present address bounced: hard once, or soft too often.

    A bounce mark is `hard`, `soft` or neither (a refusal that was not about the address), and holds
    the `address` that bounced; one without an address is about any.
    """
    marks = told(tapes, (BOUNCED,), sends.rows, sends.now)
    about = _same_channel(marks, sends) & _same_address(marks, sends, tapes)
    hard = marks.latest(about & marks.true("hard"))
    recent = marks.times > sends.now[marks.questions] - SOFT_SPAN
    soft = marks.count(about & marks.true("soft") & recent)
    stops = (hard > LONG_AGO) | (soft >= SOFT_BOUNCES)
    return Gate.refusing("bounced", stops, {"bounced": hard, "soft_bounces": soft})


def _same_channel(marks: Told, sends: Sends) -> Bools:
    wanted = sends.channel_hashes[marks.questions]
    return np.equal(marks.channels, ANY) | np.equal(marks.channels, wanted)


def _same_address(marks: Told, sends: Sends, tapes: Tapes) -> Bools:
    bounced_at = marks.address()
    present = _addresses(marks, sends, tapes)[marks.questions]
    return np.isin(bounced_at, 0) | np.isin(present, 0) | np.equal(bounced_at, present)


def _addresses(marks: Told, sends: Sends, tapes: Tapes) -> Ints:
    """Each customer's address on the send's channel, int64[m]; looked up only for who has a mark."""
    found = np.zeros(len(sends), np.int64)
    asked = np.zeros(len(sends), np.bool_)
    asked[marks.questions] = True
    for channel, trait in ADDRESS.items():
        index = np.flatnonzero(asked & (sends.channel_hashes == hash_text(channel)))
        found[index] = addresses(*trait_as_of(tapes, trait, sends.rows[index], sends.now[index]))
    return found
