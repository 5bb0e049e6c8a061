"""Random changes of pictures, volumes, waveforms and sequences of residues in training batches, replayable.

Drawing and acting are apart: `Augment.draw` gives the numbers for each row, `apply` acts with them and is deterministic, and
`dense` moves masks and boxes along.

    geometry    scale rotate quarter shear shift crop flip elastic: one reading of each picture for all of them
    intensity   brightness contrast gamma noise blur low_resolution bias erase
    waveforms   amplitude shift noise channel_drop time_warp
    residues    reverse_complement randomised mutate

Values are those the network sees, standardised: amounts are in their spreads, shares of the size, or degrees. Padding, and what
was not seen, stays zero; what a shift brings in from outside a picture is its nearest edge. All steps of a row (the slices of a
volume, the tiles of a slide) are changed alike; a picture that is given as rows of pixels is put together, changed, and taken
apart again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sequela import registry
from sequela.config import Named, choice, convert
from sequela.errors import ConfigError
from sequela.prep.augment import geometry, intensity, residues, waveforms
from sequela.prep.augment.change import Augment, Entry
from sequela.prep.augment.classes import Classes, classes
from sequela.prep.augment.drawing import Kind, Options
from sequela.prep.augment.residues import Residues
from sequela.types import Spec

__all__ = ["KINDS", "Augment", "Change", "Classes", "build", "classes"]

Change: TypeAlias = Augment | Residues

PICTURES: Mapping[str, Kind] = {**geometry.KINDS, **intensity.KINDS}
KINDS: Mapping[str, Mapping[str, Kind]] = {
    **dict.fromkeys(("image", "slices", "tiles"), PICTURES),
    "waveform": waveforms.KINDS,
    "residues": residues.KINDS,
}


def build(named: Sequence[Named], spec: Spec, classes: Classes | None = None, task: str = "") -> Change:
    """The augmentation that a study's input asks for; `classes` are those of the task, `task` its kind.

    Raises ConfigError for a kind of input that has none, an unknown name, option or class, with the nearest one, and for a change
    that pictures of this shape, or residues of this alphabet, cannot have.
    """
    each = names_exist(named, spec.kind)
    entries = tuple(_entry(one, f"augment[{i}]", spec, classes) for i, one in enumerate(each))
    return residues.build(entries, spec, classes, task) if spec.kind == "residues" else Augment(spec, entries, classes)


def names_exist(named: Sequence[Named], modality: str) -> list[Entry]:
    """The changes by name, with their options, as the inputs of a modality may have them whatever their shape.

    Raises ConfigError for a modality that has none, and for an unknown name or option, with the nearest one.
    """
    known = KINDS.get(modality)
    if known is None:
        raise ConfigError(f"an input of the kind {modality!r} cannot be augmented", hint=f"only {', '.join(KINDS)} can")
    return [_named(one, f"augment[{i}]", known, modality) for i, one in enumerate(named)]


def _named(one: Named, where: str, known: Mapping[str, Kind], modality: str) -> Entry:
    chosen = choice(one, where)
    if chosen.name not in known:
        hint = registry.nearest(chosen.name, tuple(known))
        raise ConfigError(f"{where}: no augmentation of {modality.removesuffix('s')}s is called {chosen.name!r}", hint=hint)
    options = convert(chosen.options, known[chosen.name].options, f"{where} ({chosen.name})")
    assert isinstance(options, Options)  # every kind's are
    return Entry(chosen.name, known[chosen.name], options)


def _entry(one: Entry, where: str, spec: Spec, classes: Classes | None) -> Entry:
    if one.kind.check is not None:
        one.kind.check(one.options, spec.shape[1:], spec.spacing)
    if not one.options.classes:
        return one
    if classes is None:
        raise ConfigError(f"{where} ({one.name}): the task has no classes, so none can be changed more often")
    return Entry(one.name, one.kind, one.options, classes.factors(one.options.classes))
