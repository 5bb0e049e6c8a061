"""Chinese cues."""

from __future__ import annotations

from sequela.text.cues import Cues, Group, phrases

CUES = Cues(
    groups=(Group("negated", phrases("无; 未见; 不伴"), True, 30), Group("negated", phrases("否认"), True, 40, far=True)),
    turns=phrases("但; 有; 伴"),
    parts=phrases("，; ,"),
    none=phrases("无明显诱因; 无诱因; 无力"),
)
