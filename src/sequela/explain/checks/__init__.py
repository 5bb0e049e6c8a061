"""Whether an explanation may be believed: it is asked what it cannot know, and held against what is known.

All checks are functions of an explainer, which says of some rows what each cell of them adds to an answer, and of what the
network itself tells of them. They give one number a row, so that whoever shows them resamples patients. Read the files in this
order:

    cells         the cells of rows that were seen, laid flat; and rows without some of them
    asking        what networks tell of rows: the one number that is explained
    agreement     how alike two attributions rank the cells of a row
    completeness  whether the parts sum to what they should
    curves        how the answer moves as the cells that are said to count are taken away, or given alone
    randomised    networks whose weights say nothing any more (Adebayo 2018)
    stability     rows that are hardly different
    points        how fine a method has to be
    plants        patterns that are put into rows, one kind of input a file
    planting      rows with such a pattern, and which cells it is made of
    learning      a copy of the network that learnt the pattern
    finding       how well an attribution finds the cells of the pattern
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sequela.contracts import Evidence
from sequela.types import Array, Attribution

Explainer: TypeAlias = Callable[[Evidence], Attribution]  # of one network, or of several as one
Asking: TypeAlias = Callable[[Evidence, Array], Array]  # of rows and a column of each, int64 "N": what is told, float64 "N"

__all__ = ["Asking", "Explainer"]
