"""Which channel of a payload is which, by name and never by place: one record in a hundred has its leads swapped."""

from __future__ import annotations

from collections.abc import Sequence


def places(names: Sequence[str], wanted: Sequence[str]) -> tuple[int | None, ...]:
    """Where each wanted channel is among the names: a name, or alternatives "V1|V2" of which the first one there is taken.

    None where there is none. A channel is given once only; case does not matter.

    >>> places(["V5", "MLII"], ["MLII|II", "V1|V5", "aVF"])
    (1, 0, None)
    """
    folded = [name.strip().casefold() for name in names]
    found: list[int | None] = []
    for want in wanted:
        choices = [name.strip().casefold() for name in want.split("|")]
        found.append(next((folded.index(c) for c in choices if c in folded and folded.index(c) not in found), None))
    return tuple(found)
