"""Whether a lead of a signal is broken: flat, or nothing to be seen of it, in many rows that have the signal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sequela import config
from sequela.study.audit.material import NAMED, Alarm, Material
from sequela.types import Array

SHARE = 0.05  # of the rows that have the signal, from which a channel is told
FLAT = 1e-6  # of its own median spread


def broken_channel(material: Material) -> Alarm:
    """Channels of signals that are flat or unseen in many rows in which another channel is there; and in which group most."""
    found = [(name, broken) for name, broken in _channels(material) if broken.mean() >= SHARE]
    if not found:
        return Alarm("broken_channel", "ok", "no channel of a signal is flat or unseen in many rows")
    told = "; ".join(
        f"{name} is flat or unseen in {int(broken.sum())} of {len(broken)} rows{_where(material, broken)}"
        for name, broken in found[:NAMED]
    )
    return material.found("broken_channel", "warning", told, np.flatnonzero(np.any([broken for _, broken in found], 0)))


def _channels(material: Material) -> Iterator[tuple[str, Array]]:
    """Each channel of each input of signals with the rows, bool "N", in which it is broken."""
    names = material.plain.names
    for name, given in material.study.inputs.items():
        if config.choice(given.modality, f"inputs.{name}").name != "waveform":
            continue
        spreads = [k for k, column in enumerate(names) if column.startswith(f"{name}.") and column.endswith("_sd")]
        yield from _broken(material, spreads)


def _broken(material: Material, spreads: Sequence[int]) -> Iterator[tuple[str, Array]]:
    values = material.plain.values[:, spreads]
    usual = np.array([np.median(column[column > 0]) if (column > 0).any() else 0.0 for column in values.T])
    flat = np.isnan(values) | (values <= FLAT * usual)
    here = ~flat.all(1) if len(spreads) > 1 else np.ones(len(values), bool)
    for place, column in enumerate(spreads):
        yield material.plain.names[column].removesuffix("_sd"), flat[:, place] & here


def _where(material: Material, broken: Array) -> str:
    """The level of a group in which it is broken most, where that is more than twice as often as in all."""
    shares = [
        (float(broken[levels == one].mean()), f"{name} = {one or 'unknown'}")
        for name, levels in material.cohort.groups.items()
        for one in np.unique(levels)
    ]
    most = max(shares, default=(0.0, ""))
    return f", most often where {most[1]}: {most[0]:.0%}" if most[0] > 2 * broken.mean() else ""
