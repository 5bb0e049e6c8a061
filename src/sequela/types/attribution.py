"""What each part of what was known adds to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sequela.types.arrays import Array


@dataclass(frozen=True, slots=True)
class Attribution:
    """Of N rows: what each cell of each input adds to the one number that is explained.

    Cells lie as in the input's Ragged, steps end to end; of codes and words, one number each. A cell that was not seen is exactly
    0, and padding does not occur. Where a method is complete, the cells, sides and contexts of a row sum to told - rest.
    """

    cells: Mapping[str, Array]  # input -> float64 "S *F"
    column: Array  # int64 "N": of the answer, that is explained
    told: Array  # float64 "N": the number that is explained, of the row as it is: log-odds, or a value
    rest: Array  # float64 "N": the same of what the row is compared with; NaN where the method compares with nothing
    method: str
    points: int = 0  # of a path, samples, or times that the network was asked
    side: Mapping[str, Array] = field(default_factory=dict)  # input -> float64 "S E", where a step has numbers beside it
    context: Mapping[str, Array] = field(default_factory=dict)  # input -> float64 "N C", where a row has numbers
    complete: bool = False  # whether the parts of a row should sum to told - rest
