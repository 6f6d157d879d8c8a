"""Composes a message into the exact lines of a mail: headers nobody can inject into, bodies of 7-bit lines.

The standard library's generator takes 1.3 ms for what this does in 0.1 ms, and refolds headers
after they were signed.  Hence this subset of RFC 5322, 2045 and 2047: what we write, not what may be read.
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from sojourn.channel.address import BAD_SENDER, Address, address, address_of_ours
from sojourn.channel.contract import Outgoing
from sojourn.errors import NotDelivered

CRLF = "\r\n"
LONGEST_LINE = 998
"""Octets without CRLF (RFC 5322, 2.1.1); a server may refuse, cut or break longer ones."""

_WIDTH = 76  # where lines are folded, and the most for one with an encoded word (RFC 2047, 2)
_LONGEST_WORD = 900  # in one line with the field's name and an address
_FOREIGN = 1.3  # octets a character, beyond which base64 is shorter than quoted-printable
_REFUSED = re.compile(r"[\r\n\0]")
_PLAIN = re.compile(r"[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}")
_URI = re.compile(r"(https?|mailto):[!-;=?-~]+")
_LIST_ID = re.compile(r"[A-Za-z0-9._-]+")
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n"})
_OURS = frozenset(
    {
        *("from", "to", "subject", "date", "message-id", "reply-to", "sender", "cc", "bcc", "mime-version"),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "content-type"),
        *("content-transfer-encoding", "dkim-signature", "return-path", "received"),
    }
)


class Mail(msgspec.Struct, frozen=True):
    """A mail in its final form: fields as (name, folded value) in order, and the body with CRLF line ends."""

    sender: Address
    recipient: Address
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def utf8(self) -> bool:
        """Whether a header holds UTF-8, so that the peer must offer SMTPUTF8."""
        return not all(value.isascii() for _, value in self.fields)

    def octets(self) -> bytes:
        """The mail as it is sent."""
        head = "".join(f"{name}: {value}{CRLF}" for name, value in self.fields)
        return f"{head}{CRLF}".encode() + self.body


def compose(outgoing: Outgoing) -> Mail:
    """The mail for a message: the same bytes whenever it is composed.

    Raises NotDelivered: 5.1.3 or 5.1.7 for an address, 5.6.0 for a header that holds CR, LF or
    NUL, belongs to us, or cannot be folded into lines of 998 octets.
    """
    sender = address(outgoing.sender, BAD_SENDER)
    recipient = address(outgoing.recipient)
    fields = [
        ("From", _mailbox("From", outgoing.sender_name, sender)),
        ("To", _mailbox("To", outgoing.recipient_name, recipient)),
        ("Subject", _text("Subject", outgoing.subject)),
        ("Date", format_datetime(datetime.fromtimestamp(outgoing.dated // 1_000_000, UTC))),
        ("Message-ID", message_id(outgoing, sender)),
        *_list_fields(outgoing),
        *_further_fields(outgoing),
        ("MIME-Version", "1.0"),
    ]
    content_fields, body = _content(outgoing)
    return Mail(sender, recipient, tuple(fields + content_fields), body)


def message_id(outgoing: Outgoing, sender: Address) -> str:
    """The same for every attempt at an effect (RFC 7352 lets receivers drop the repeat)."""
    mark = f"{outgoing.effect}.{outgoing.seal}" if outgoing.seal else outgoing.effect
    domain = outgoing.message_id_domain or sender.domain
    return f"<{address_of_ours(f'{mark}@{domain}').mailbox}>"


def _list_fields(outgoing: Outgoing) -> list[tuple[str, str]]:
    """Reply-To, and what lets a reader leave the list: RFC 2919, 2369, 8058."""
    fields: list[tuple[str, str]] = []
    if outgoing.reply_to:
        fields.append(("Reply-To", _mailbox("Reply-To", "", address(outgoing.reply_to, BAD_SENDER))))
    if outgoing.list_id:
        fields.append(("List-Id", f"<{_matching('List-Id', _LIST_ID, outgoing.list_id)}>"))
    mail = f"mailto:{outgoing.unsubscribe_mail}" if outgoing.unsubscribe_mail else ""
    uris = [_matching("List-Unsubscribe", _URI, uri) for uri in (outgoing.unsubscribe_url, mail) if uri]
    if uris:
        fields.append(
            ("List-Unsubscribe", _folded("List-Unsubscribe", ", ".join(f"<{uri}>" for uri in uris)))
        )
    if outgoing.unsubscribe_url.startswith("https:"):  # RFC 8058, 3.1: one HTTPS URI, no less
        fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    if outgoing.feedback_id:
        fields.append(("Feedback-ID", _text("Feedback-ID", outgoing.feedback_id)))
    return fields


def _further_fields(outgoing: Outgoing) -> list[tuple[str, str]]:
    for name, _ in outgoing.headers:
        if name.lower() in _OURS:
            raise NotDelivered(f"the header {name!r} is set by Sojourn itself", code="5.6.0")
        _matching("a header's name", _FIELD_NAME, name)
    return [(name, _text(name, value)) for name, value in outgoing.headers]


def _mailbox(field: str, name: str, of: Address) -> str:
    """`name <address>`, the name as atoms, a quoted string or encoded words (RFC 5322, 3.4)."""
    if not name:
        return of.mailbox
    if _is_plain(name):
        atoms = _ATOMS.fullmatch(name) and " ".join(name.split()) == name
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return _folded(field, f"{name if atoms else quoted} <{of.mailbox}>")
    phrase = _encoded(field, name)
    used = len(phrase.rpartition(CRLF)[2]) + (0 if CRLF in phrase else len(field) + 2)
    fits = used + len(of.mailbox) + 3 <= _WIDTH
    return f"{phrase}{' ' if fits else CRLF + ' '}<{of.mailbox}>"


def _text(field: str, value: str) -> str:
    """An unstructured value: folded if it is plain, else encoded words (RFC 2047)."""
    plain = _is_plain(value) and value == value.strip()
    return _folded(field, value) if plain else _encoded(field, value)


def _is_plain(value: str) -> bool:
    """Whether it can be written as it is: printable ASCII that nobody decodes and that can be folded."""
    if not _PLAIN.fullmatch(value) or "=?" in value or " " * _WIDTH in value:
        return False
    return max(map(len, value.split(" "))) <= _LONGEST_WORD


def _folded(field: str, value: str) -> str:
    """The value with CRLF before some of its spaces; taking the CRLF out again gives it back."""
    if len(field) + 2 + len(value) <= _WIDTH:
        return value
    lines: list[str] = []
    line = ""
    for word in value.split(" "):
        indent = len(field) + 1 if not lines else 0
        if line.strip() and word and indent + len(line) + len(word) + 1 > _WIDTH:
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    if max(map(len, lines)) > LONGEST_LINE - len(field) - 2:
        raise NotDelivered(f"the header {field} has a word too long for a line", code="5.6.0")
    return CRLF.join(lines)[1:]


def _encoded(field: str, value: str) -> str:
    """Encoded words in base64, each of whole characters, one a line (RFC 2047)."""
    if _REFUSED.search(value):
        raise NotDelivered(f"the header {field} holds a line break or NUL: {value!r}", code="5.6.0")
    room = _octets_in_word(len(field) + 2)
    whole = value.encode("utf-8", "replace")
    if len(whole) <= room:
        return _word(whole)
    words: list[str] = []
    chunk = b""
    for character in value:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            words.append(_word(chunk))
            chunk, room = b"", _octets_in_word(1)
        chunk += octets
    return f"{CRLF} ".join([*words, _word(chunk)])


def _octets_in_word(indent: int) -> int:
    """How many octets one encoded word holds after `indent`; base64 makes 4 characters of 3 octets."""
    return max((_WIDTH - indent - len("=?utf-8?b??=")) // 4 * 3, 4)


def _word(octets: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(octets, newline=False).decode()}?="


def _matching(field: str, pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise NotDelivered(f"not fit for {field}: {value!r}", code="5.6.0")
    return value


def _content(outgoing: Outgoing) -> tuple[list[tuple[str, str]], bytes]:
    """The content's own fields, and the body: text, HTML, or both as alternatives, the richer last."""
    if not (outgoing.text and outgoing.html):
        kind, content = ("html", outgoing.html) if outgoing.html else ("plain", outgoing.text)
        fields, body = _part(kind, content)
        return fields, body + b"\r\n"
    boundary = f"=_{outgoing.effect}"
    while boundary in outgoing.text or boundary in outgoing.html:
        boundary += "_"
    parts = [_part("plain", outgoing.text), _part("html", outgoing.html)]
    opening = f"--{boundary}{CRLF}"
    texts = [
        (opening + "".join(f"{name}: {value}{CRLF}" for name, value in fields) + CRLF).encode() + body
        for fields, body in parts
    ]
    body = b"\r\n".join(texts) + f"{CRLF}--{boundary}--{CRLF}".encode()
    return [("Content-Type", f'multipart/alternative;{CRLF} boundary="{boundary}"')], body


def _part(kind: str, content: str) -> tuple[list[tuple[str, str]], bytes]:
    """One text in 7-bit lines of at most 998 octets (RFC 2045, 6), whatever the peer can take."""
    if "\r" in content:
        content = content.replace("\r\n", "\n").replace("\r", "\n")
    coding, coded = _coded(content)
    fields = [
        ("Content-Type", f"text/{kind}; charset=utf-8"),
        ("Content-Transfer-Encoding", coding),
    ]
    return fields, coded.replace(b"\n", b"\r\n")


def _coded(content: str) -> tuple[str, bytes]:
    octets = content.encode("utf-8", "replace")
    if content.isascii() and _fits_7bit(octets):
        return "7bit", octets
    if len(octets) > len(content) * _FOREIGN:
        wired = octets.replace(b"\n", b"\r\n")
        lines: list[bytes] = [wired[at : at + 57] for at in range(0, len(wired), 57)]
        return "base64", b"".join(map(binascii.b2a_base64, lines)).rstrip(b"\n")
    return "quoted-printable", binascii.b2a_qp(octets, istext=True)


def _fits_7bit(octets: bytes) -> bool:
    """No long lines and no control characters, which `translate` finds faster than a regular expression."""
    controls = len(octets) - len(octets.translate(None, _CONTROLS))
    return not controls and max(map(len, octets.split(b"\n"))) <= LONGEST_LINE
