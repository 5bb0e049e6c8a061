"""Whether later data is still like that of development: inputs, score, labels and performance, at a stated rate of false alarms.

facts       what is found, as drift.json
cells       columns as cells: which bin of a column each row falls into
changes     a p for each column that holds for all of them together
labels      how common the outcome is, where nobody has told yet
performance what the model is worth now, against what it was worth
course      the same along time: windows, and a cumulative sum
foreseen    what so many rows would show, and how many rows a named change asks for
found       all of it together
words       what is found, for a person
"""

from __future__ import annotations

from sequela.evaluate.drift.facts import DriftFacts
from sequela.evaluate.drift.found import Asked, found

__all__ = ["Asked", "DriftFacts", "found"]
