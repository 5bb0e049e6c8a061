"""The few pieces of HTML that the report is built of. Everything that is not built here goes through `text`."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Safe:
    """Markup that was built here, and may stand in a page as it is."""

    markup: str

    def __add__(self, other: Safe) -> Safe:
        return Safe(self.markup + other.markup)


Piece = str | Safe  # a str is text, whatever it holds
EMPTY = Safe("")
THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")


def text(piece: Piece) -> str:
    """Markup of a piece: text is escaped."""
    return piece.markup if isinstance(piece, Safe) else html.escape(piece, quote=True)


def tag(name: str, *pieces: Piece, **attributes: str) -> Safe:
    """An element; attributes are escaped, `class_` is class."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value, quote=True)}"' for key, value in attributes.items()
    )
    return Safe(f"<{name}{given}>{''.join(map(text, pieces))}</{name}>")


def joined(pieces: Sequence[Safe]) -> Safe:
    return Safe("".join(piece.markup for piece in pieces))


def paragraph(*pieces: Piece, class_: str = "") -> Safe:
    return tag("p", *pieces, class_=class_) if class_ else tag("p", *pieces)


def section(title: str, *pieces: Safe) -> Safe:
    """A titled part of the page; nothing where it would be empty."""
    body = joined(pieces)
    return tag("section", tag("h2", title), body) if body.markup else EMPTY


def table(head: Sequence[str], rows: Sequence[Sequence[Piece]], caption: str = "", strong: int = -1) -> Safe:
    """A table whose first column is a heading; row `strong` is set apart. Nothing where there are no rows."""
    if not rows:
        return EMPTY
    header = tag("tr", *[tag("th", cell, scope="col") for cell in head])
    body = [tag("tr", tag("th", row[0], scope="row"), *[_cell(piece) for piece in row[1:]]) for row in rows]
    if 0 <= strong < len(body):
        body[strong] = Safe(body[strong].markup.replace("<tr>", '<tr class="strong">', 1))
    titled = tag("caption", caption) if caption else EMPTY
    whole = tag("table", titled, tag("thead", header), tag("tbody", *body))
    return tag("div", whole, class_="table")


def _cell(piece: Piece) -> Safe:
    """A cell; a count of thousands keeps its digits on one line."""
    whole = isinstance(piece, str) and THOUSANDS.fullmatch(piece) is not None
    return tag("td", tag("span", piece) if whole else piece)


def figure(svg: Safe, caption: str) -> Safe:
    return tag("figure", svg, tag("figcaption", caption))


def figures(*those: Safe) -> Safe:
    return tag("div", *those, class_="figures") if any(one.markup for one in those) else EMPTY


def bullets(items: Sequence[Piece]) -> Safe:
    return tag("ul", *[tag("li", item) for item in items]) if items else EMPTY


def folded(summary: str, *pieces: Safe) -> Safe:
    """Details that are closed on a screen; the style opens them on paper."""
    return tag("details", tag("summary", summary), *pieces)
