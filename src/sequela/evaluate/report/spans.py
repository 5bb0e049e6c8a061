"""One text with what is said and what is true of it marked: each kind of error is told by its line, not by colour alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sequela.evaluate.entities import Tally
from sequela.evaluate.report.html import Safe, tag
from sequela.evaluate.report.marking import Stretch, excerpts, marked
from sequela.evaluate.report.words import later, say
from sequela.metrics.entities import KINDS, RIGHT, SPURIOUS
from sequela.types import Spans

CLASSES = ("right", "said boundary", "said type", "said both", "said spurious")  # in the order of metrics.entities.KINDS
TRUE, MISSED = "true", "missed"
KEY = (  # an example of each mark, and what it says
    ("right", later("said and true")),
    (MISSED, later("true, and not said")),
    ("said spurious", later("said, and not true")),
    ("said boundary", later("said, and true of another place, another type, or both:")),
    (TRUE, later("what is true there")),
)


def drawn(text: str, tally: Tally, row: int, names: tuple[str, ...]) -> Safe:
    """The text of a row, cut around its marks where it is long; the type stands behind a mark where there are several."""
    return tag("div", excerpts(text, list(_stretches(tally.take(np.array([row])), names))), class_="document", dir="auto")


def key() -> Safe:
    """What each kind of mark says."""
    told = [(class_, say(words)) for class_, words in KEY]
    examples = [marked(words, [Stretch(0, len(words), class_)]) for class_, words in told]
    return tag("p", *[piece for one in examples for piece in (one, " ")], class_="document key")


def _stretches(one: Tally, names: tuple[str, ...]) -> Iterator[Stretch]:
    for place, kind in enumerate(one.kind.tolist()):
        name = names[one.said.label[place]]
        sure = "" if one.said.score is None else f" ({one.said.score[place]:.2f})"
        yield _stretch(one.said, place, CLASSES[kind], f"said {name}{sure}: {KINDS[kind]}", _note(name, names))
    held = {int(of) for of, kind in zip(one.of, one.kind, strict=True) if kind not in (RIGHT, SPURIOUS)}
    for place, missed in enumerate(one.missed.tolist()):
        if missed or place in held:
            name = names[one.truth.label[place]]
            yield _stretch(one.truth, place, MISSED if missed else TRUE, f"true {name}", _note(name, names))


def _stretch(of: Spans, place: int, class_: str, title: str, note: str) -> Stretch:
    return Stretch(int(of.begin[place]), int(of.end[place]), class_, title, note=note)


def _note(name: str, names: tuple[str, ...]) -> str:
    return name if len(names) > 1 else ""
