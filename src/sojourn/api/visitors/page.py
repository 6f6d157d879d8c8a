"""The look of the pages that customers meet: one sentence, at most one button, nothing fetched."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

from litestar import MediaType, Response

_STYLE = """
:root{--paper:#faf9f7;--surface:#fff;--line:#e6e2db;--ink:#1c1f23;--ink-2:#555b63;--accent:#0f6e66;--on-accent:#fff}
@media (prefers-color-scheme:dark){:root{--paper:#15171a;--surface:#1c1f23;--line:#2c3036;--ink:#eceae6;
--ink-2:#a9aeb6;--accent:#4fb8aa;--on-accent:#0c1f1c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);
font:16px/1.5 Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:min(30rem,calc(100vw - 2rem));padding:2rem;background:var(--surface);border:1px solid var(--line);
border-radius:8px}
h1{margin:0 0 .5rem;font-size:20px;font-weight:620;letter-spacing:-.01em}
p{margin:0;color:var(--ink-2)}
button{margin-top:1.5rem;padding:.6rem 1.2rem;border:0;border-radius:6px;background:var(--accent);
color:var(--on-accent);font:550 16px/1.5 inherit;font-family:inherit;cursor:pointer}
button:focus-visible{outline:2px solid var(--ink);outline-offset:2px}
"""
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""No page here is kept, framed, indexed, or told to the next one."""


def page(title: str, words: str, button: str = "", *, status: int = 200) -> Response[str]:
    """A page that says something, with a button that sends it back to its own address by POST."""
    form = f'<form method="post"><button type="submit">{escape(button)}</button></form>' if button else ""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(words)}</p>{form}</main></body></html>"
    )
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=HEADERS)


def neutral(status: int = 200) -> Response[str]:
    """What everybody sees who comes with a link that is none: it tells nothing about anybody."""
    return page("This link has done its work", "There is nothing more to see or to do here.", status=status)
