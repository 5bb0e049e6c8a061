"""Random changes of pictures, volumes and waveforms in training batches: batched, on whole tensors, and replayable.

Drawing and acting are apart: `Augment.draw` gives the numbers for each row, `apply` acts with them and is deterministic, and
`dense` moves masks and boxes along.

    geometry    scale rotate quarter shear shift crop flip elastic: one reading of each picture for all of them
    intensity   brightness contrast gamma noise blur low_resolution bias erase
    waveforms   amplitude shift noise channel_drop time_warp

Values are those the network sees, standardised: amounts are in their spreads, shares of the size, or degrees. Padding, and what
was not seen, stays zero; what a shift brings in from outside a picture is its nearest edge. All steps of a row (the slices of a
volume, the tiles of a slide) are changed alike; a picture that is given as rows of pixels is put together, changed, and taken
apart again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sequela import registry
from sequela.config import Named, choice, convert
from sequela.errors import ConfigError
from sequela.prep.augment import geometry, intensity, waveforms
from sequela.prep.augment.change import Augment, Entry
from sequela.prep.augment.classes import Classes, classes
from sequela.prep.augment.drawing import Kind, Options
from sequela.types import Spec

__all__ = ["KINDS", "Augment", "Classes", "build", "classes"]

PICTURES: Mapping[str, Kind] = {**geometry.KINDS, **intensity.KINDS}
KINDS: Mapping[str, Mapping[str, Kind]] = {"image": PICTURES, "slices": PICTURES, "tiles": PICTURES, "waveform": waveforms.KINDS}


def build(named: Sequence[Named], spec: Spec, classes: Classes | None = None) -> Augment:
    """The augmentation that a study's input asks for; `classes` are those of the task.

    Raises ConfigError for a kind of input that has none, an unknown name, option or class, with the nearest one, and for a change
    that pictures of this shape cannot have.
    """
    known = KINDS.get(spec.kind)
    if known is None:
        raise ConfigError(f"an input of the kind {spec.kind!r} cannot be augmented", hint=f"only {', '.join(KINDS)} can")
    return Augment(spec, tuple(_entry(one, f"augment[{i}]", known, spec, classes) for i, one in enumerate(named)), classes)


def _entry(one: Named, where: str, known: Mapping[str, Kind], spec: Spec, classes: Classes | None) -> Entry:
    chosen = choice(one, where)
    if chosen.name not in known:
        hint = registry.nearest(chosen.name, tuple(known))
        raise ConfigError(f"{where}: no augmentation of {spec.kind}s is called {chosen.name!r}", hint=hint)
    kind = known[chosen.name]
    options = convert(chosen.options, kind.options, f"{where} ({chosen.name})")
    if kind.check is not None:
        kind.check(options, spec.shape[1:], spec.spacing)
    assert isinstance(options, Options)  # every kind's are
    if not options.classes:
        return Entry(chosen.name, kind, options)
    if classes is None:
        raise ConfigError(f"{where} ({chosen.name}): the task has no classes, so none can be changed more often")
    return Entry(chosen.name, kind, options, classes.factors(options.classes))
