"""The list of contents, and the anchors that it leads to: each section has the name of the function that writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sequela.evaluate.report.html import EMPTY, Safe, joined, tag
from sequela.evaluate.report.words import say

SECTION, TITLE = "<section>", re.compile(r"<h2>(.*?)</h2>", re.DOTALL)


def anchored(name: str, markup: Safe) -> Safe:
    """The section with its name as anchor."""
    return Safe(markup.markup.replace(SECTION, f'<section id="{name}">', 1))


def contents(shown: Mapping[str, Safe]) -> Safe:
    """A link to each section that has a title, in their order; nothing where there are none."""
    titles = {name: match[1] for name, one in shown.items() if (match := TITLE.search(one.markup))}
    links = [tag("li", tag("a", Safe(title), href=f"#{name}")) for name, title in titles.items()]
    return tag("nav", tag("h2", say("Contents")), tag("ol", joined(links)), class_="contents") if links else EMPTY
