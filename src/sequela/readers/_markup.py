"""HTML and XHTML as text: what a reader of the page reads, a line for each block, the cells of a row parted by tabs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav",
    "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
))  # fmt: skip
_CELLS = frozenset(("td", "th"))
_UNREAD = frozenset(("head", "script", "style", "template"))
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def plain(markup: str) -> str:
    """Its text.

    >>> plain("<div><p>Well, <b>no</b>\\n pain.</p><table><tr><td>K</td><td>4.1 &lt; 5</td></tr></table></div>")
    'Well, no pain.\\nK\\t4.1 < 5'
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._unread = self._kept = 0  # how many open elements are not read, and keep their blanks

    @property
    def text(self) -> str:
        """What was read."""
        self._end()
        return "\n".join(self._lines)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._unread += tag in _UNREAD
        if tag in _BLOCKS:
            self._end()
        elif tag in _CELLS and self._line:
            self._line = f"{self._line.rstrip(' ')}\t"
        self._kept += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._unread = max(0, self._unread - (tag in _UNREAD))
        if tag in _BLOCKS:
            self._end()
        self._kept = max(0, self._kept - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if self._unread:
            return
        if self._kept:
            *whole, last = (self._line + data).split("\n")
            self._lines += whole
            self._line = last
        else:
            said = _BLANKS.sub(" ", data)
            self._line += said.lstrip(" ") if self._line[-1:] in ("", " ", "\t") else said

    def _end(self) -> None:
        """Ends a line that has something on it."""
        if self._line.strip():
            self._lines.append(self._line if self._kept else self._line.strip(" \t"))
        self._line = ""
