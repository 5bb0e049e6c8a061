"""Whether the parts are apart: subjects, time, copies of rows, texts, sequences and recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sequela.study import continued, likeness, similar
from sequela.study import copied_text as copied
from sequela.study.audit.material import Alarm, Material, Severity
from sequela.study.split import overlapping, units
from sequela.types import Cohort

MANY = 0.005  # share of the held-out rows from which copies are a leak, not a blemish


def subject_overlap(material: Material) -> Alarm:
    """A subject (or the unit that the split names) whose rows are in several parts."""
    unit = units(material.cohort, material.study.split.unit)
    torn = overlapping(material.cohort.part, unit)
    if not len(torn):
        return Alarm("subject_overlap", "ok", "every unit is in one part only")
    rows = np.flatnonzero(np.isin(unit, torn) & (material.cohort.part != ""))
    found = material.found("subject_overlap", "leak", f"{len(torn)} units have rows in more than one part", rows)
    reason = material.study.split.allow_overlap
    return replace(found, severity="note", allowed=reason) if reason else found


def time_order(material: Material) -> Alarm:
    """In a split by time, training rows later than rows held out."""
    time, part = material.cohort.time, material.cohort.part
    if material.study.split.by != "time" or not material.train.any() or not (part == "test").any():
        return Alarm("time_order", "ok", "the split is not by time")
    late = np.flatnonzero(material.train & (time >= time[part == "test"].min()))
    if not len(late):
        return Alarm("time_order", "ok", "all training rows come before the test")
    return material.found("time_order", "leak", f"{len(late)} training rows are no earlier than the first test row", late)


def exact_duplicates(material: Material) -> Alarm:
    """Rows held out that are copies of training rows under another subject."""
    pairs = likeness.copies(material.plain.values, material.held_out, material.cohort.subject_id)
    return _copied(material, "exact_duplicates", "equal a training row of another subject in every input", pairs)


def near_duplicates(material: Material) -> Alarm:
    """Rows held out that are all but copies of training rows under another subject."""
    seed = material.study.split.seed
    pairs = likeness.near_copies(material.plain.values, material.held_out, material.cohort.subject_id, seed)
    return _copied(material, "near_duplicates", "are far closer to one training row of another subject than chance allows", pairs)


def copied_text(material: Material) -> Alarm:
    """Rows held out that know a document of which half or more stands in a training document of another subject."""
    pairs = copied.copies(material.known, material.rows)
    what = "know a document of which half or more stands in a training document of another subject"
    return _copied(material, "copied_text", what, pairs, material.rows)


def similar_sequences(material: Material) -> Alarm:
    """Rows held out with the sequences of a training row; where there are none, how near the nearest come."""
    held = similar.sequences(material.known)
    if not held:
        return Alarm("similar_sequences", "ok", "there are no sequences of letters")
    told = "; ".join(one.told() for one in similar.similarities(held, material.rows, material.study.split.seed))
    rows = similar.copies(held, material.rows)
    what = "have the sequence of a training row of another subject"
    pairs = [likeness.Pair(row, row) for row in rows]
    found = _copied(material, "similar_sequences", what, pairs, material.rows)
    return replace(found, severity="note" if found.severity == "ok" else found.severity, text=f"{found.text}; {told}")


def continued_signal(material: Material) -> Alarm:
    """One recording whose samples rows of several parts know, or recordings that go on in another part where the one before ends.

    A signal cut into pieces before the split leaks, whoever it is of: neighbouring pieces share slow waves, noise and electrodes.
    """
    found = continued.stretches(material.known, material.rows)
    uris, count = np.unique([one.uri for one in found], return_counts=True)
    torn = set(uris[count > 1].tolist())
    rows = np.array([one.row for one in found if one.uri in torn and one.part != "train"], np.int64)
    if torn:
        text = (
            f"the samples of {len(torn)} recordings are known to rows of more than one part: split recordings, not their pieces"
        )
        return material.found("continued_signal", "leak", text, rows, of=material.rows)
    joins = continued.joins(found, material.known.payloads)
    if not joins.beyond_chance:
        return Alarm("continued_signal", "ok", "no recording goes on in another part where the one before it ends")
    text = (
        f"{len(joins.rows)} recordings go on where the one before, in another part, ends (by chance {joins.chance:.0f} would): "
        "pieces of one signal lie in several parts; keep them together with split.unit"
    )
    return material.found("continued_signal", "leak", text, joins.rows, of=material.rows)


def _copied(material: Material, check: str, what: str, pairs: Sequence[likeness.Pair], of: Cohort | None = None) -> Alarm:
    """`of`: the cohort whose rows the pairs name; left out: the rows that are judged."""
    if not pairs:
        return Alarm(check, "ok", f"no rows held out {what}")
    part = material.cohort.part if of is None else of.part
    share = len(pairs) / int(np.isin(part, ("tune", "test")).sum())
    severity: Severity = "leak" if share >= MANY else "warning"
    return material.found(check, severity, f"{len(pairs)} rows held out {what}", [p.row for p in pairs], of)
