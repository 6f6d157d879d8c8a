"""Makes the text part of a mail from its HTML or MJML, once for a template: the Liquid in it stays."""

from __future__ import annotations

import re
from functools import lru_cache
from html.parser import HTMLParser

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_MASK = re.compile("\ue000(\\d+)\ue001")


@lru_cache(maxsize=256)
def text_source(source: str) -> str:
    """The text of a body for people who read without HTML: paragraphs, marks of lists, addresses of links.

    Tags of Liquid are left where they are, also within the addresses.
    """
    tags = _LIQUID.findall(source)
    numbers = iter(range(len(tags)))
    reader = _Reader()
    reader.feed(_LIQUID.sub(lambda _: f"\ue000{next(numbers)}\ue001", source))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.found).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return _MASK.sub(lambda mask: tags[int(mask[1])], text)


class _Reader(HTMLParser):
    _SILENT = frozenset({"head", "style", "script", "title", "template", "mj-head", "mj-preview"})
    _BREAKS = frozenset({"br", "div", "tr", "table", "ul", "ol", "li", "section", "header", "footer"})
    _PARAGRAPHS = frozenset(
        {"p", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "mj-text", "mj-button", "mj-section"}
    )
    _VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "wbr", "source"})
    _LINKS = frozenset({"a", "mj-button"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden: list[str] = []  # the open tags from one that is not shown
        self._targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if self._hidden or tag in self._SILENT or "display:none" in named.get("style", "").replace(" ", ""):
            self._hidden += [] if tag in self._VOID else [tag]
            return
        if tag in self._LINKS:
            self._targets.append(named.get("href", ""))
        self.found.append(self._break(tag) + ("- " if tag == "li" else named.get("alt", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            while tag in self._hidden and self._hidden.pop() != tag:
                pass
            return
        target = self._targets.pop() if tag in self._LINKS and self._targets else ""
        if target.startswith(("http", "mailto:", "tel:", "\ue000")):
            self.found.append(f" ({target})")
        self.found.append(self._break(tag))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> str:
        return "\n\n" if tag in self._PARAGRAPHS else "\n" if tag in self._BREAKS else ""
