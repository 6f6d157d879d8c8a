"""Twilio as far as we use it, behind a port of this machine: its REST API and its signed callbacks.

Written from its documentation (the Message resource, error codes, webhook security), not from the client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode
from urllib.request import Request, urlopen

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "the auth token of the account"
SENDER = "+15005550006"

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_MEANINGS = {
    20003: (401, "Authenticate"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21408: (400, "Permission to send an SMS has not been enabled for the region"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, SMS-capable number for your account."),
    21609: (400, "The 'StatusCallback' URL is not valid."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum allowed queued messages"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The message body exceeds the 1600 character limit."),
}


@dataclass
class FakeTwilio:
    """What it was asked, the messages that it made, and how it answers some numbers."""

    refuses: dict[str, int] = field(default_factory=dict)  # number -> error code
    silent: set[str] = field(default_factory=set)  # numbers at which it takes the message and says nothing
    asked: list[dict[str, str]] = field(default_factory=list)
    messages: dict[str, dict[str, str]] = field(default_factory=dict)  # by SID
    retry_after: str = ""
    url: str = ""

    def answer(self, path: str, basic: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one POST."""
        self.asked.append(dict(form))
        wanted = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if basic != f"Basic {wanted}":
            return _error(20003)
        if path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            return 404, {"code": 20404, "message": f"{path} was not found", "status": 404}
        wrong = self._wrong(form)
        return _error(wrong) if wrong else (201, self._made(form))

    def _wrong(self, form: Mapping[str, str]) -> int:
        callback = form.get("StatusCallback", "")
        for code, is_so in (
            (21211, not _E164.fullmatch(form.get("To", ""))),
            (21602, not form.get("Body")),
            (21617, len(form.get("Body", "")) > 1600),
            (21603, not (form.get("From") or form.get("MessagingServiceSid"))),
            (21606, form.get("From", SENDER) != SENDER),
            (21609, bool(callback) and not re.match(r"https?://[^/]*[.]", callback)),
        ):
            if is_so:
                return code
        return self.refuses.get(form["To"], 0)

    def _made(self, form: Mapping[str, str]) -> dict[str, Any]:
        sid = f"SM{len(self.messages):032x}"
        self.messages[sid] = dict(form)
        return {
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": form["Body"],
            "date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "date_sent": None,
            "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000", "direction": "outbound-api",
            "error_code": None, "error_message": None, "from": form.get("From"), "num_media": "0",
            "num_segments": "1", "price": None, "price_unit": None,
            "messaging_service_sid": form.get("MessagingServiceSid"), "sid": sid, "status": "queued",
            "subresource_uris": {}, "to": form["To"],
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json",
        }  # fmt: skip

    def tell(self, sid: str, status: str, error: str = "") -> int:
        """Call back about a message; the status of our answer."""
        message = self.messages[sid]
        form = {"MessageSid": sid, "SmsSid": sid, "SmsStatus": status, "MessageStatus": status,
                "To": message["To"], "From": message.get("From", SENDER), "AccountSid": ACCOUNT,
                "ApiVersion": "2010-04-01"}  # fmt: skip
        if error:
            form |= {"ErrorCode": error}
        return post(message["StatusCallback"], form)[0]


def incoming(sid: str, sender: str, body: str, **more: str) -> dict[str, str]:
    """The form of a text that somebody sent to us."""
    form = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": ACCOUNT,
        "From": sender,
        "To": SENDER,
        "Body": body,
    }
    return (
        form | {"NumMedia": "0", "NumSegments": "1", "FromCountry": "US", "ApiVersion": "2010-04-01"} | more
    )


def signature(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """X-Twilio-Signature: the URL and all fields in order of their names, HMAC-SHA1 in base64."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def post(url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    """A signed call; status and body of the answer."""
    asked = Request(url, urlencode(form).encode(), {"X-Twilio-Signature": signature(url, form)})
    try:
        with urlopen(asked, timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read()


@contextmanager
def twilio() -> Iterator[FakeTwilio]:
    """The fake, listening."""
    fake = FakeTwilio()

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
            status, said = fake.answer(self.path, self.headers.get("Authorization", ""), form)
            if form.get("To") in fake.silent:
                time.sleep(1)
                self.close_connection = True
                return
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if fake.retry_after and status == 429:
                self.send_header("Retry-After", fake.retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _error(code: int) -> tuple[int, dict[str, Any]]:
    status, message = _MEANINGS[code]
    return status, {
        "code": code, "message": message, "status": status,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
    }  # fmt: skip
