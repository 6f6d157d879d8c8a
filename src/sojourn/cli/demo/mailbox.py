"""The demo's mail server: takes all mail over real SMTP, and keeps it in a folder where it can be read."""

from __future__ import annotations

import email
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_ODD = re.compile(r"[^\w %]")
_LINK = re.compile(r'<a\s[^>]*href="([^"]+/c/[^"]+)"(?![^>]*display:none)', re.IGNORECASE)
_PIXEL = re.compile(r'<img\s[^>]*src="([^"]+/o/[^"]+)"', re.IGNORECASE)
_ONE_CLICK = re.compile(r"<(https?://[^>]+)>")


@dataclass(frozen=True)
class Mail:
    """One mail as its reader sees it."""

    number: int
    id: str
    to: str
    subject: str
    link: str  # the first that a person sees
    pixel: str
    unsubscribe: str
    text: str


class Mailbox:
    """The mails that came, in order; the readers are told of each, from the server's thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.mails: list[Mail] = []
        self.readers: list[Callable[[Mail], None]] = []
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail before it is acknowledged (aiosmtpd calls this by its name)."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = _read(len(self.mails) + 1, content)
        name = f"{mail.number:05} {mail.to} {_ODD.sub('', mail.subject)}"
        (self._folder / f"{name}.eml").write_bytes(content)
        (self._folder / f"{name}.txt").write_text(
            f"To: {mail.to}\nSubject: {mail.subject}\n\n{mail.text}\n\n{mail.link}\n"
        )
        self.mails.append(mail)
        for reader in self.readers:
            reader(mail)
        return "250 kept"


@contextmanager
def listening(mailbox: Mailbox) -> Iterator[int]:
    """Take mail until the block ends; gives the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def _read(number: int, content: bytes) -> Mail:
    mail = email.message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    body = html.get_content() if html else ""
    return Mail(
        number=number,
        id=str(mail["Message-ID"]),
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        link=_first(_LINK, body),
        pixel=_first(_PIXEL, body),
        unsubscribe=_first(_ONE_CLICK, str(mail["List-Unsubscribe"] or "")),
        text=text.get_content() if text else "",
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return unescape(found[1]) if found else ""
