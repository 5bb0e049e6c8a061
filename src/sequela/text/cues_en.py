"""English cues."""

from __future__ import annotations

from sequela.text.cues import Cues, Group, phrases

CUES = Cues(
    groups=(Group("negated", phrases("no; denies; without; not"), True, 30),),
    turns=phrases("but; however"),
    parts=(),
    none=phrases("no increase; not only"),
)
