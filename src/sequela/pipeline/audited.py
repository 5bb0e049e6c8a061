"""Everything of a study but its training: what would be trained on, and whether anything gives the answer away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Progress, Shortening
from sequela.errors import LeakError
from sequela.evaluate.facts import Alarm
from sequela.evaluate.planned import EarlierLook
from sequela.evaluate.size.facts import SizeFacts
from sequela.pipeline import facts, sealing, sizing, trial
from sequela.pipeline.prepared import Prepared, loaded, prepare
from sequela.pipeline.progress import silent
from sequela.store.store import Store
from sequela.study import audit as audits
from sequela.study import cohort as cohorts
from sequela.study import paired, spanned
from sequela.types import PARTS, Paired, Spanned


@dataclass(frozen=True)
class Checked:
    """What `sequela check` found."""

    study: str
    flow: list[dict[str, Any]]
    notes: dict[str, int]  # what was counted on the way -> how many times
    splits: list[dict[str, Any]]
    inputs: dict[str, Any]
    alarms: list[Alarm]
    size: SizeFacts | None = None  # of the training rows of the first split
    earlier: list[EarlierLook] = field(default_factory=list)  # at its test rows, held against this study

    def text(self) -> str:
        lines = [f"study {self.study}", "", "rows:"]
        lines += [f"  {s['what']}: {s['before']} − {s['out']} ({s['reason']}) = {s['after']}" for s in self.flow]
        lines += [f"  {text}: {count}" for text, count in self.notes.items()]
        lines += ["", "split:"]
        lines += [f"  {split['name']}: " + ", ".join(f"{part} {split[part]}" for part in PARTS) for split in self.splits]
        lines += ["", "inputs:"] + [f"  {name}: {spec}" for name, spec in self.inputs.items()]
        lines += ["", "audit:"] + [f"  {_said(alarm)}" for alarm in self.alarms]
        lines += [] if self.size is None else ["", "size:", *(f"  {line}" for line in sizing.lines(self.size))]
        lines += [] if not self.earlier else ["", "looks:", *(f"  {line}" for one in self.earlier for line in sealing.lines(one))]
        return "\n".join(lines)

    def refuse_leaks(self) -> None:
        """Raises LeakError where the audit found a leak that the study does not answer."""
        refuse(self.alarms)


def check(
    study: str | Path | Study,
    *,
    data: str | Path | Store | None = None,
    overrides: tuple[str, ...] = (),
    progress: Progress = silent,
) -> Checked:
    """The cohort, the splits, the fitted inputs and the audit of a study; nothing is trained, no label of test is scored."""
    read, base = loaded(study, overrides)
    prepared = prepare(read, base, data, progress)
    splits: list[dict[str, Any]] = []
    alarms: dict[tuple[str, str], Alarm] = {}
    inputs: dict[str, str] = {}
    size: SizeFacts | None = None
    earlier: list[EarlierLook] = []
    for k, plan in enumerate(prepared.plans):
        progress("checking", k, len(prepared.plans))
        split = prepared.split(plan)
        rows = trial.read(split)
        sealing.check_names(prepared.study, rows.all.target.names, rows.asked)
        split = rows.split
        alarms |= {(alarm.check, alarm.text): alarm for alarm in audit(split, rows)}
        inputs = {name: f"{spec.kind}, step {spec.shape}, {len(spec.names)} features" for name, spec in rows.train.specs.items()}
        counts: dict[str, Any] = {part: len(split.cohort.of(part)) for part in PARTS}
        splits.append({"name": plan.name, **counts, "notes": dict(plan.notes)})
        if k == 0:
            size = sizing.of_training(cohorts.judged_as(prepared.study), rows.train.asked)
            settled = sealing.settled(prepared.study, plan.name)
            earlier = sealing.earlier(split.store, rows.cohort("test"), settled) if len(rows.parts["test"]) else []
    progress("checking", len(prepared.plans), len(prepared.plans))
    steps = [msgspec.to_builtins(step) for step in facts.flow(prepared.flow)]
    return Checked(read.name, steps, dict(prepared.flow.notes), splits, inputs, list(alarms.values()), size, earlier)


def audit(split: Prepared, rows: trial.Read) -> list[Alarm]:
    """What every check for leaks found, in this split."""
    study = split.study
    found = audits.audit(rows.asked, rows.all.asked.plain, split.known, study, cohorts.judged_as(study), split.cohort)
    told = [
        Alarm(check=one.check, severity=one.severity, text=_with_rows(one), count=one.count, allowed=one.allowed) for one in found
    ]
    return told + _kept_out(split, rows) + _untold(rows) + _shortened(rows)


def _kept_out(split: Prepared, rows: trial.Read) -> list[Alarm]:
    """How many training rows a task does not learn from, where it is one that chooses."""
    learnt = models.learns(split.study, rows.train.target)
    out = int((~learnt).sum())
    if not out:
        return []
    text = f"the model learns from {int(learnt.sum())} of {len(learnt)} training rows: {out} with the event were kept from it"
    return [Alarm(check="normal rows alone", severity="note", text=text, count=out)]


def _with_rows(alarm: audits.Alarm) -> str:
    return alarm.text + (f" (rows {', '.join(alarm.rows)})" if alarm.rows else "")


def refuse(alarms: Sequence[Alarm]) -> None:
    """Raises LeakError for the leaks that the study does not answer."""
    leaks = [alarm for alarm in alarms if alarm.severity == "leak" and not alarm.allowed]
    if leaks:
        more = f" (and {len(leaks) - 1} more: `sequela check` lists them)" if len(leaks) > 1 else ""
        raise LeakError(
            f"{leaks[0].check}: {leaks[0].text}{more}",
            hint=f'where it is no leak, answer it in the study: [audit] allow = {{ "{leaks[0].check}" = "the reason" }}',
        )


def _said(alarm: Alarm) -> str:
    return f"{alarm.severity} {alarm.check}: {alarm.text}" + (f" (answered: {alarm.allowed})" if alarm.allowed else "")


def _untold(rows: trial.Read) -> list[Alarm]:
    """What of the marks in texts no stretch of words can be, and which pairs no steps tell: no answer finds those exactly."""
    if isinstance(rows.all.target.dense, Paired):
        return _noted("pairs and steps", paired.lost(rows.all.target))
    if not isinstance(rows.all.target.dense, Spanned):
        return []
    (ragged,) = rows.all.inputs.values()
    assert ragged.places is not None
    return _noted("marks and words", spanned.lost(rows.all.target, ragged.places))


def _noted(check: str, found: Mapping[str, int]) -> list[Alarm]:
    return [Alarm(check=check, severity="note", text=f"{count} {what}", count=count) for what, count in found.items()]


def _shortened(rows: trial.Read) -> list[Alarm]:
    """Of how many training rows an input reads a part alone."""
    held = {name: (one.modality, one.state) for name, one in rows.fitted.items()}
    told = {name: modality.shortened(state) for name, (modality, state) in held.items() if isinstance(modality, Shortening)}
    size = len(rows.parts["train"])
    return [
        Alarm(
            check="left out",
            severity="note",
            text=f"{name} reads {count} of {size} training rows in part (max_steps)",
            count=count,
        )
        for name, count in told.items()
        if count
    ]
