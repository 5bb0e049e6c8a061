"""Which channel of a payload is which, by name and never by place: one record in a hundred has its leads swapped."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.store.channel_names import normal_name


def places(names: Sequence[str], wanted: Sequence[str]) -> tuple[int | None, ...]:
    """Where each wanted channel is among the names: a name, or alternatives "V1|V2" of which the first one there is taken.

    None where there is none. A channel is given once only; case does not matter, nor whether a channel is asked for in the
    words of its source or in those of the store ("ECG II" is II): a name that is there letter by letter goes first.

    >>> places(["V5", "MLII"], ["MLII|II", "V1|ECG V5", "aVF"])
    (1, 0, None)
    """
    found: list[int | None] = []
    as_given = [name.strip().casefold() for name in names]
    normal = [normal_name(name).casefold() for name in names]
    for want in wanted:
        choices = [choice.strip() for choice in want.split("|")]
        placed = (_place(choice, as_given, normal, found) for choice in choices)
        found.append(next((place for place in placed if place is not None), None))
    return tuple(found)


def _place(choice: str, as_given: Sequence[str], normal: Sequence[str], taken: Sequence[int | None]) -> int | None:
    """The first channel of that name which nothing has taken."""
    for names, name in ((as_given, choice.casefold()), (normal, normal_name(choice).casefold())):
        for place, held in enumerate(names):
            if held == name and place not in taken:
                return place
    return None
