"""Whether anything gives the answer away: the split, the inputs, or the order of things. One small function a check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sequela import config
from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.study.audit.material import Alarm, Material
from sequela.study.audit.of_channels import broken_channel
from sequela.study.audit.of_groups import turned_labels
from sequela.study.audit.of_inputs import future_events, outcome_as_input, suspicious_input
from sequela.study.audit.of_labels import constant_label, identity, sorted_ids, unseen_class
from sequela.study.audit.of_split import (
    continued_signal,
    copied_text,
    exact_duplicates,
    near_duplicates,
    similar_sequences,
    subject_overlap,
    time_order,
)
from sequela.study.audit.of_units import mixed_units
from sequela.study.labels import TargetKind
from sequela.types import Cohort, Known, Plain

__all__ = ["CHECKS", "Alarm", "Material", "alarms", "audit"]

CHECKS: Mapping[str, Callable[[Material], Alarm]] = {
    check.__name__: check
    for check in (
        subject_overlap, time_order, exact_duplicates, near_duplicates, copied_text, similar_sequences, continued_signal,
        future_events, outcome_as_input,
        suspicious_input, mixed_units, broken_channel, constant_label, unseen_class, turned_labels, identity, sorted_ids,
    )
}  # fmt: skip
OF_LABELS = frozenset({"suspicious_input", "constant_label", "turned_labels", "identity", "sorted_ids"})
ASKED: Mapping[str, str] = {  # of the kinds of question about no label of a row
    "next_event": "the input's own next codes",
    "segment": "the classes of the points of a picture",
    "detect": "the boxes on a picture",
    "entities": "the entities in a text",
    "contact": "the pairs of places of a sequence",
}


def audit(
    cohort: Cohort, plain: Plain, known: Known, study: config.Study, kind: TargetKind, rows: Cohort | None = None
) -> list[Alarm]:
    """What each check found, in the order of CHECKS; an alarm that the study answers is a note with the reason.

    cohort: with its parts. plain: all inputs' columns. known: what the inputs are made of; `rows` are its rows where they are
    not those of the cohort (whose rows may be steps of theirs). Labels are looked at in the training part alone, but for whether
    a part's labels are all equal.

    Raises ConfigError where the study answers a check that does not exist.
    """
    material = Material(cohort, plain, known, study, "regression" if kind == "forecast" else kind, rows or cohort)
    for name in study.audit.allow:
        if name not in CHECKS:
            raise ConfigError(f"audit.allow answers {name!r}, which is no check", hint=nearest(name, tuple(CHECKS)))
    return [_answered(_checked(name, material), study) for name in CHECKS]


def _checked(name: str, material: Material) -> Alarm:
    """What a check found; those of labels have nothing to look at where the inputs foresee themselves."""
    if material.kind in ASKED and name in OF_LABELS:
        return Alarm(name, "ok", f"there are no labels of rows: what is asked for are {ASKED[material.kind]}")
    return CHECKS[name](material)


def alarms(found: Sequence[Alarm]) -> list[Alarm]:
    """The warnings and leaks that the study does not answer."""
    return [alarm for alarm in found if alarm.severity in ("warning", "leak")]


def _answered(alarm: Alarm, study: config.Study) -> Alarm:
    reason = study.audit.allow.get(alarm.check, "")
    return replace(alarm, severity="note", allowed=reason) if reason and alarm.severity in ("warning", "leak") else alarm
