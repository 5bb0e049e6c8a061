"""What every explanation of words gives: a sum."""

from __future__ import annotations

from dataclasses import dataclass

from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Attributed:
    """What each word adds to Q numbers of each of B rows, such as the log-odds of Q of its classes.

    The words, the rest and what is missing sum to the number. Of steps that are sentences *N are their words.
    """

    change: Array  # float64 "B Q T *N": 0 of padding
    told: Array  # float64 "B Q": the number itself
    rest: Array  # float64 "B Q": what it would be without any word
    points: int = 0  # of the path that was followed, or documents that were asked about; 0: the terms are exact

    @property
    def missing(self) -> Array:
        """float64 "B Q": what the words and the rest do not account for."""
        found: Array = self.told - self.rest - self.change.reshape(*self.told.shape, -1).sum(-1)
        return found
