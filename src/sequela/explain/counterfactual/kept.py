"""Which features may change: never time, never who a patient is, and nothing that the user keeps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sequela import registry
from sequela.errors import UsageError
from sequela.explain.counterfactual.changes import Options
from sequela.study.records import fits
from sequela.types import Array, Spec

BORN = frozenset(
    (
        "age",
        "sex",
        "gender",
        "race",
        "ethnicity",
        "height",
        "birth",
        "birth_weight",
        "birth_date",
        "gestational_age",
        "meds_birth",
    )
)
COURSE = frozenset(("admission", "discharge"))  # of a stay: what the row is about
TIME = frozenset(("elapsed",))  # passes by itself: no user may free it
CHANGED = ("measurements", "static", "codes")  # kinds of input in which a single change means something


def changeable(specs: Mapping[str, Spec], options: Options) -> dict[str, Array]:
    """Of each input of such a kind which of its features may change, bool "F", or of codes "V".

    Static features stay where they stand beside other inputs: they are who the patient is. Where they are all there is, those
    stay that are named like what one is born with (age, sex, …). Raises UsageError for a pattern that fits no feature.
    """
    here = {name: spec for name, spec in specs.items() if spec.kind in CHANGED and spec.names}
    if not here:
        kinds = ", ".join(sorted({spec.kind for spec in specs.values()}))
        raise UsageError(
            f"no single change of {kinds} is a plausible one, so that nothing is told to flip an answer",
            hint=f"counterfactuals are for inputs of {', '.join(CHANGED)}",
        )
    _refuse_unknown(here, options)
    beside = any(spec.kind != "static" for spec in specs.values())
    return {
        name: np.array([_may(feature, spec, options, still=spec.kind == "static" and beside) for feature in spec.names])
        for name, spec in here.items()
    }


def _may(feature: str, spec: Spec, options: Options, *, still: bool) -> bool:
    words = {part.partition("=")[0].casefold() for part in feature.split("//")}
    if feature.endswith(".missing") or words & TIME or any(fits(feature, one) for one in options.immutable):
        return False
    if any(fits(feature, one) for one in options.free):
        return True
    return not still and not words & (BORN | COURSE)


def _refuse_unknown(specs: Mapping[str, Spec], options: Options) -> None:
    known = [feature for spec in specs.values() for feature in spec.names]
    for pattern in (*options.immutable, *options.free):
        if not any(fits(feature, pattern) for feature in known):
            raise UsageError(f"no input has the feature {pattern!r}", hint=registry.nearest(pattern.strip("*"), known))
