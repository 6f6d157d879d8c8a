"""A mail server that keeps of each mail which effect it is, so that what was sent twice or never is seen."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_EFFECT = re.compile(rb"^Message-ID: <([0-9a-f]{16})", re.MULTILINE | re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s\"'>]+/c/[^\s\"'>]+")


class Postbox:
    """Counts mails by effect; `on_mail` is called with each mail's effect and its bytes."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.on_mail: Callable[[str, bytes], None] = lambda effect, mail: None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = envelope.original_content or b""
        found = _EFFECT.search(mail)
        assert found is not None, mail[:500]
        effect = found[1].decode()
        self.taken[effect] += 1
        self.on_mail(effect, mail)
        return "250 kept"


@contextmanager
def serving(postbox: Postbox) -> Iterator[int]:
    """The postbox behind a port of this machine, which is given."""
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def tracked_links(mail: bytes) -> list[str]:
    """Our links in a mail's HTML."""
    body = message_from_bytes(mail, policy=policy.default).get_body(("html",))
    return _LINK.findall(body.get_content()) if body is not None else []
