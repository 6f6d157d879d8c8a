"""The demo's people: they browse, buy, read their mail and click, through the official Segment client.

What each does is drawn from a seed, so that two demos differ only in the order in which things arrive.
"""

from __future__ import annotations

import heapq
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
from segment.analytics import Client

from sojourn.cli.demo.histories import ZONES
from sojourn.cli.demo.mailbox import Mail
from sojourn.tape.hashing import hash_text

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 Visitor/1"
NAMES = (
    "Ada",
    "Björn",
    "Chidi",
    "Dolores",
    "Émile",
    "Farah",
    "Grace",
    "Hiro",
    "Ines",
    "Jóhann",
    "Keiko",
    "Lin",
)
TOPICS = ("records", "turntables", "listening rooms")

OURS = re.compile(r"(?:visitor-\d+|user\.\d+|\d+)@example\.com")
"""The addresses of the demo's people, and of those in its histories."""

HANDS = 4
"""How many of them read their mail at one time."""

OPENS, CLICKS, BUYS, UNSUBSCRIBES = 0.7, 0.45, 0.5, 0.01
"""Shares of the mails that are opened, clicked, followed by a purchase, and unsubscribed from."""


class Visitors:
    """Some hundred people; `arrivals` is how many new ones come in a second."""

    def __init__(self, url: str, write_key: str, arrivals: float, seed: int = 7) -> None:
        self.did: Counter[str] = Counter()
        """What they did so far: people, opens, clicks, unsubscribes."""
        self.sent: set[int] = set()
        """The keys of the events that they sent: hashes of their message ids."""
        self.errors: list[str] = []
        self._arrivals, self._dice, self._number = arrivals, random.Random(seed), 0
        self._segment = Client(write_key, host=url, upload_interval=0.2, on_error=self._failed)
        self._web = httpx.Client(headers={"User-Agent": BROWSER}, timeout=30)
        self._hands = ThreadPoolExecutor(HANDS)
        self._lock = threading.Lock()
        self._plans: list[tuple[float, int, Callable[[], None]]] = []

    def receive(self, mail: Mail) -> None:
        """Somebody has mail: they may open it, click and buy, or unsubscribe.  Others read their own."""
        if not OURS.fullmatch(mail.to):
            return
        drawn = self._dice.random()
        if drawn < UNSUBSCRIBES:
            self._plan(1, lambda: self._unsubscribe(mail))
        elif drawn < CLICKS:
            self._plan(1 + drawn, lambda: self._click(mail))
        elif drawn < OPENS:
            self._plan(drawn, lambda: self._open(mail))

    def leave(self) -> None:
        """Nobody new comes, and those who are here do nothing more."""
        self._arrivals = 0.0
        with self._lock:
            self._plans.clear()

    @contextmanager
    def about(self) -> Iterator[None]:
        """They come and go until the block ends; what they sent has then been acknowledged."""
        stop = threading.Event()
        thread = threading.Thread(target=self._live, args=(stop,), name="visitors", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._hands.shutdown()
            self._segment.shutdown()
            self._web.close()

    def _live(self, stop: threading.Event) -> None:
        coming = 0.0
        while not stop.wait(0.1):
            coming += self._arrivals / 10
            while coming >= 1:
                coming -= 1
                self._arrive()
            for action in self._due():
                self._hands.submit(self._try, action)

    def _due(self) -> list[Callable[[], None]]:
        with self._lock:
            due = []
            while self._plans and self._plans[0][0] <= time.monotonic():
                due.append(heapq.heappop(self._plans)[2])
        return due

    def _count(self, what: str) -> None:
        with self._lock:
            self.did[what] += 1

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except httpx.HTTPError as error:
            self._failed(error, None)

    def _plan(self, seconds: float, action: Callable[[], None]) -> None:
        with self._lock:
            self._number += 1
            heapq.heappush(self._plans, (time.monotonic() + seconds, self._number, action))

    def _arrive(self) -> None:
        """Somebody new: downloads the guide, or fills a cart and leaves or buys."""
        self._count("people")
        who, name = f"visitor-{self.did['people']:04}", self._dice.choice(NAMES)
        traits = {"email": f"{who}@example.com", "first_name": name, "timezone": self._dice.choice(ZONES)}
        self._sent(self._segment.identify(who, traits))
        if self._dice.random() < 0.6:
            self._track(who, "Guide Downloaded", topic=self._dice.choice(TOPICS))
            return
        self._track(who, "home")
        self._track(who, "product_view")
        self._track(who, "add_to_cart", session=f"session of {who}")
        if self._dice.random() < 0.3:
            self._plan(0.2, lambda: self._buy(who, "purchase"))

    def _track(self, who: str, event: str, **properties: object) -> None:
        self._sent(self._segment.track(who, event, properties))

    def _sent(self, queued: tuple[bool, dict[str, str]]) -> None:
        self.sent.add(hash_text(queued[1]["messageId"]))

    def _buy(self, who: str, event: str) -> None:
        self._track(who, event, total=round(self._dice.uniform(8, 120), 2))

    def _open(self, mail: Mail) -> None:
        self._web.get(mail.pixel)
        self._count("opens")

    def _click(self, mail: Mail) -> None:
        self._open(mail)
        answer = self._web.get(mail.link)
        if answer.status_code != 302:
            self._failed(RuntimeError(f"a link answered {answer.status_code}"), [])
        self._count("clicks")
        if self._dice.random() < BUYS and "guide" not in mail.subject.lower():
            event = (
                "purchase" if "cart" in mail.subject.lower() or "left" in mail.subject else "Order Completed"
            )
            self._plan(3, lambda: self._buy(_who(mail.to), event))

    def _unsubscribe(self, mail: Mail) -> None:
        self._web.post(mail.unsubscribe, data={"List-Unsubscribe": "One-Click"})
        self._count("unsubscribes")

    def _failed(self, error: Exception, _batch: object) -> None:
        self.errors.append(str(error))


def _who(address: str) -> str:
    """The id of who has an address: that of the histories' people is made of it."""
    name = address.partition("@")[0]
    return name.replace("user.", "user_")
