"""The names and units of a source's channels as the store has them: one spelling each, no two alike, volts as mV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sequela.store.channel_names import normal_name
from sequela.units import QUANTITIES, canonical

VOLTAGE = QUANTITIES["voltage"]
FACTORS = {canonical(known): unit.factor for known, unit in VOLTAGE.units.items()}


def channel_names(names: Sequence[str | None]) -> tuple[str, ...]:
    """A name for each channel, in the spelling of the store (`normal_name`), no two alike.

    Channels that the spelling would make one keep the names of their source; those that have one name there are numbered, and
    one without a name is called by its place.

    >>> channel_names(["ECG II", "EEG Fp1-Ref", "EEG Fp1-LE", "RESP", "RESP", None])
    ('II', 'EEG Fp1-Ref', 'EEG Fp1-LE', 'RESP', 'RESP#2', 'channel_5')
    """
    given = [" ".join((name or "").split()) or f"channel_{i}" for i, name in enumerate(names)]
    normal = [normal_name(name) for name in given]
    sources: dict[str, set[str]] = {}
    for name, spelled in zip(given, normal, strict=True):
        sources.setdefault(spelled.casefold(), set()).add(name)
    kept = [s if len(sources[s.casefold()]) == 1 else name for name, s in zip(given, normal, strict=True)]
    return _numbered(kept)


def standard_unit(unit: str | None) -> tuple[float, str]:
    """What a value in this unit is multiplied by, and the unit it is then in: volts of any scale become mV, all else stays.

    >>> standard_unit("uV"), standard_unit("µV"), standard_unit("V"), standard_unit("mmHg")
    ((0.001, 'mV'), (0.001, 'mV'), (1000.0, 'mV'), (1.0, 'mmHg'))
    """
    plain = (unit or "").strip().replace(",", " ")  # a payload names the units of several channels with commas between
    factor = FACTORS.get(canonical(plain))
    return (1.0, plain) if factor is None else (factor, VOLTAGE.standard)


def joined_units(units: Sequence[str]) -> str:
    """The unit of a payload: one for all channels where they share it, else one each with commas between."""
    return units[0] if len(set(units)) == 1 else ",".join(units)


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """The second of a name gets #2, the third #3, in letters of either case."""
    seen: Counter[str] = Counter()
    taken = {name.casefold() for name in names}
    numbered = []
    for name in names:
        seen[name.casefold()] += 1
        again = f"{name}#{seen[name.casefold()]}"
        while seen[name.casefold()] > 1 and again.casefold() in taken:
            again += "'"
        numbered.append(name if seen[name.casefold()] == 1 else again)
    return tuple(numbered)
