"""What is said of one row: an answer, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sequela import model as models
from sequela.bundle import doubts, marked, paired, spanned, tagged, timed
from sequela.bundle.marked import EDGES
from sequela.errors import UsageError
from sequela.evaluate import forecasting
from sequela.evaluate.threshold import key
from sequela.study import cut
from sequela.types import Answer, Array, Cohort, Known, Quantiles, Space

if TYPE_CHECKING:
    from sequela.bundle.predictor import Predictor
    from sequela.contracts import Guarded
    from sequela.study.flow import Flow


IN_PYTHON = ("mask", "space", "picture")  # alone, not as text
MANY, RANKED = 10, 5  # of more than MANY classes, only RANKED stand in a line for a person; of more labels, MANY
NOTHING = "no input is known at that time"  # why a row has no answer
UNITS = {"mm3": "mm³", "mm2": "mm²"}  # as a person writes them


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row's answer. Where `refused` holds a reason there is no probability, value or decision."""

    row_id: str
    source_id: str
    time: str | None  # ISO 8601, UTC; None where the data has no time
    probabilities: dict[str, float] | None = None
    value: dict[str, float] | None = (
        None  # regression, in the unit of the outcome; volumes (of masks), or counts (boxes, entities, pairs)
    )
    unit: str | None = (
        None  # of the value of masks: "mm3" or "mm2", "points" where no spacing is known; of survival, of its times
    )
    incidence: dict[str, Any] | None = (
        None  # of survival: `unit`, `times` and `causes`, each with its cumulative incidence by them
    )
    risk: dict[str, dict[str, float]] | None = None  # of each cause by each horizon
    median: float | None = None  # time until anything comes with a chance of one half; None: later than the last horizon
    restricted_mean: float | None = None  # mean time without any of it, of the time up to `restricted_to`
    restricted_to: float | None = None
    free: str | None = None  # all this for one who is known to be free of everything for so long: times count from then on
    boxes: list[dict[str, Any]] | None = None  # class, score and edges (top, left, bottom, right in pixels), the surest first
    spans: list[dict[str, Any]] | None = None  # of entities: type, text, score, and where in which document: bundle/spanned.py
    pairs: list[dict[str, Any]] | None = None  # of contact: both letters' places and names, and probability, the likeliest first
    steps: list[dict[str, Any]] | None = None  # of tagging: time or place, decision, probabilities of each step that it judges
    letters: str | None = None  # of tagging by letters: these decisions as a letter for each letter of the sequence
    interval: dict[str, tuple[float, float]] | None = None  # of each forecast value; None: this bundle promises none
    interval_share: float | None = None  # how much of the truth such intervals should hold
    threshold: float | None = None
    decision: bool | str | list[str] | None = None  # risk at or above the threshold; the likeliest class or next code; labels
    possible: list[str] | None = None  # classes among which the true one is with the probability `possible_share`: see docs
    possible_share: float | None = None
    spread: dict[str, float] | None = None  # standard deviation of each probability or value between networks, or dropout passes
    unusual: dict[str, Any] | None = None  # percentile of the input in tune, and the rule by which it is the most unusual
    abstained: str | None = None  # why there is no decision: the answer is less sure than the study asks for
    refused: str | None = None
    explanation: tuple[dict[str, Any], ...] | None = None
    withheld: dict[str, str] | None = None  # of a task with rules: what they keep from being said, and why
    unchecked: list[str] | None = None  # and what they ask for and nobody knows
    notice: str | None = None  # and what a reader must know of such an answer
    file: str | None = None  # where the mask, or the picture of the explanation, was written
    mask: Array | None = None  # uint8 or uint16 "*S": what each point of the picture is; in Python alone, as are
    space: Space | None = None  # where it lies in the patient
    picture: str = ""  # what the source calls the picture of the mask: of DICOM the series

    def json(self) -> str:
        """One line, the form of `sequela predict --json`."""
        told = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in IN_PYTHON}
        return msgspec.json.encode(told).decode()

    def text(self) -> str:
        """One line for a person."""
        when = f" at {self.time}" if self.time else ""
        if self.refused:
            return f"{self.row_id}{when}: refused: {self.refused}"
        said = self.probabilities or self.value or {}
        if listed := self._listed(said):
            return "\n".join([f"{self.row_id}{when}: {listed[0]}", *listed[1:]])
        shown = self._shown(said)
        numbers = ", ".join(f"{name} {_number(number, self.unit)}{self._within(name)}" for name, number in shown.items())
        numbers += _others(said, shown)
        against = (
            f" (threshold {self.threshold:.3f}: {'above' if self.decision else 'below'})"
            if self.decision in (True, False)
            else ""
        )
        lines = [f"{self.row_id}{when}: {numbers}{against}", *doubts.lines(self)]
        lines += map(_term, self.explanation or ())
        return "\n".join(lines)

    def _listed(self, said: dict[str, float]) -> list[str]:
        """The lines of an answer that is no number of the row; [] where it is one."""
        if (parts := self._parts()) is not None:
            return [_counted(said), *parts]
        if self.letters is not None:
            return [f"{len(self.letters)} letters", f"    {self.letters}"]
        if self.steps is not None:
            return [f"{len(self.steps)} steps", *map(_step, self.steps)]
        if self.risk is not None:
            return [timed.line(self.risk, self.median, self.unit or "days", self.free)]
        return [] if self.notice is None else [self._suggested(), *self._rules()]

    def _parts(self) -> list[str] | None:
        """The lines of boxes, entities or pairs, None of another answer."""
        if self.boxes is not None:
            return list(map(_box, self.boxes))
        if self.spans is not None:
            return list(map(_span, self.spans))
        return None if self.pairs is None else [*map(_pair, self.pairs[:MANY]), *_more(len(self.pairs) - MANY)]

    def _shown(self, said: dict[str, float]) -> dict[str, float]:
        """What stands in the line: of labels those that are called and as many more as make MANY, in that order."""
        if isinstance(self.decision, str) or self.abstained:
            return _likeliest(said)
        if not isinstance(self.decision, list):
            return said
        called = set(self.decision)
        order = sorted(said, key=lambda name: (name not in called, -said[name]))
        return {name: said[name] for name in order[: max(MANY, len(called))]}

    def _within(self, name: str) -> str:
        """The interval of a value, where it has one."""
        ends = (self.interval or {}).get(name)
        return "" if ends is None else f" [{ends[0]:.3f}, {ends[1]:.3f}]"

    def _suggested(self) -> str:
        """What is called, the likeliest first: of a task with rules, for somebody to look through."""
        named = self.decision if isinstance(self.decision, list) else []
        risk = self.probabilities or {}
        said = [f"{name} {risk[name]:.3f}" for name in sorted(named, key=lambda name: -risk[name])]
        return f"to be reviewed: {', '.join(said) or 'nothing'}"

    def _rules(self) -> list[str]:
        lines = [f"    withheld {name}: {reason}" for name, reason in (self.withheld or {}).items()]
        lines += [f"    not checked: {name} is not known" for name in self.unchecked or ()]
        return [*lines, f"    {self.notice}"]


def _number(number: float, unit: str | None) -> str:
    return f"{number:.3f}" if unit is None else f"{number:,.0f} {UNITS.get(unit, unit)}"


def _likeliest(said: dict[str, float]) -> dict[str, float]:
    """All, or of many classes the first few in falling order."""
    return said if len(said) <= MANY else dict(sorted(said.items(), key=lambda one: -one[1])[:RANKED])


def _others(said: dict[str, float], shown: dict[str, float]) -> str:
    """How many are left out of a line. A label that is called may be less likely than one that is not: each has its threshold."""
    rest = [chance for name, chance in said.items() if name not in shown]
    if not rest:
        return ""
    return f", and {len(rest)} {'less likely' if max(rest) <= min(shown.values()) else 'more, not called'}"


def _counted(said: dict[str, float]) -> str:
    return ", ".join(f"{name} {count:.0f}" for name, count in said.items())


def _box(one: dict[str, Any]) -> str:
    edges = " ".join(f"{one[edge]:.0f}" for edge in EDGES)
    return f"    {one['class']:<16} {one['score']:.3f}  {edges}"


def _span(one: dict[str, Any]) -> str:
    """An entity with its place in its document; line breaks in it are shown as spaces."""
    concept = f"  {one['concept']}" if "concept" in one else ""
    words, place = " ".join(one["text"].split()), f"document {one['document']}, characters {one['begin']}-{one['end']}"
    return f"    {one['type']:<16} {one['score']:.3f}  \u201c{words}\u201d ({place}){concept}"


def _pair(one: dict[str, Any]) -> str:
    """Both places are counted from 1, as a person does."""
    places = [f"{letter}{one[end] + 1}" for letter, end in zip(one["letters"], ("low", "high"), strict=True)]
    return f"    {places[0]:>6} {places[1]:<6} {one['probability']:.3f}"


def _more(count: int) -> list[str]:
    return [f"    and {count} less likely"] if count > 0 else []


def _step(one: dict[str, Any]) -> str:
    return f"    {one['time']}  {one['decision']:<16} {one['probabilities'][one['decision']]:.3f}"


def _term(one: dict[str, Any]) -> str:
    """What was said to speak for or against an answer: a code, a phrase of a text, or a letter of a sequence."""
    if "sentence" in one:
        return f"    {one['sentence']}"
    if "place" in one:
        return f"    {one['change']:+.3f} {one['class']}: {one['letter']}{one['place']} {one['put']} ({one['input']})"
    if "text" in one:
        place = f"document {one['document']}, characters {one['begin']}-{one['end']}"
        return f"    {one['change']:+.3f} {one['class']}: \u201c{one['text']}\u201d ({place})"
    if "class" in one:
        return f"    {one['change']:+.3f} {one['class']}: {one['code']}"
    return f"    {one['code']:<24} {one['change']:+.3f}{_when(one)}"


def _when(told: dict[str, Any]) -> str:
    """How long before the prediction, of what was told of one step."""
    return f"  {-told['days']:.1f} days before" if "days" in told else ""


def of(predictor: Predictor, rows: Cohort, known: Known, flow: Flow, free: str = "") -> list[Prediction]:
    """Answers for the rows, and a refusal for each subject that the flow left out or whose inputs are all empty.

    `free`: of survival, for how long after the prediction every row is known to be free of what is asked about. Raises UsageError
    where another question is given one, or it is no time before the last horizon.
    """
    if free and predictor.task.kind != "survival":
        raise UsageError("only of times to events can it be said for how long nothing came", hint="leave out --free")
    refused = [Prediction(row, row.partition("#")[0], None, refused=reason) for row, reason in flow.refused.items()]
    reasons = models.refusals(predictor.fitted, known)
    kept = np.flatnonzero(reasons == "")
    answers = iter(_answered(predictor, rows.take(kept), cut.take(known, kept), free) if len(kept) else [])
    return [_bare(rows, i, str(reason)) if reason else next(answers) for i, reason in enumerate(reasons)] + refused


def _answered(predictor: Predictor, rows: Cohort, known: Known, free: str) -> list[Prediction]:
    evidence = predictor.evidence(known, rows.subject_id, rows.row_id, rows.target)
    empty = np.all([ragged.lengths == 0 for ragged in evidence.inputs.values()], axis=0)
    each = predictor.each(evidence) if predictor.spreads else []
    answer = predictor.answers(evidence, each)[predictor.final]
    reasons = np.where(empty, NOTHING, "")
    if answer.kind in ("masks", "boxes"):
        told = marked.told(predictor, evidence, answer)
        return [replace(_bare(rows, i, str(reasons[i]) or None), **told[i]) for i in range(len(rows))]
    if answer.kind == "spans":
        entities = spanned.told(predictor.task.names, evidence, answer)
        return [replace(_bare(rows, i, str(why) or None), **({} if why else entities[i])) for i, why in enumerate(reasons)]
    if answer.paired is not None:
        found = paired.told(predictor.task.names, evidence, answer)
        return [replace(_bare(rows, i, str(why) or None), **({} if why else found[i])) for i, why in enumerate(reasons)]
    if answer.curves is not None:
        curves = timed.told(answer.curves, timed.asked(predictor.study.outcome, answer.names, free))
        return [replace(_bare(rows, i, str(why) or None), **({} if why else curves[i])) for i, why in enumerate(reasons)]
    if evidence.steps is not None:
        steps = tagged.told(predictor.task.names, evidence, rows, answer)
        letters = tagged.letters(predictor.task.names, evidence, predictor.study.outcome, answer)
        told = [{"steps": steps[i] or None, "letters": letters[i] or None} for i in range(len(rows))]
        return [replace(_bare(rows, i, str(reasons[i]) or None), **told[i]) for i in range(len(rows))]
    answered = [_one(predictor, rows, i, str(reasons[i]) or None, _named(predictor, answer, i)) for i in range(len(rows))]
    if answer.quantiles is not None:
        answered = [_around(one, answer.quantiles, i) for i, one in enumerate(answered)]
    answered = doubts.told(predictor, evidence, rows, doubts.Said(answer, each), answered)
    return answered if predictor.guard is None else _ruled(predictor.guard, predictor.task.names, known, answered)


def _around(one: Prediction, around: Quantiles, i: int) -> Prediction:
    """The prediction with the interval of each of its values; a refused row has none."""
    if one.value is None:
        return one
    low, high = (end[i].tolist() for end in forecasting.ends(around))
    interval = dict(zip(one.value, zip(low, high, strict=True), strict=True))
    return replace(one, interval=interval, interval_share=forecasting.central(around.levels))


def _ruled(guard: Guarded, names: tuple[str, ...], known: Known, answered: list[Prediction]) -> list[Prediction]:
    """The answers with what the rules kept back; a refused row has nothing to keep back."""
    called = np.array([np.isin(names, one.decision if isinstance(one.decision, list) else []) for one in answered])
    told = zip(answered, guard.withheld(known, called), guard.unchecked(known), strict=True)
    return [
        one if one.refused else replace(one, withheld=withheld, unchecked=unchecked, notice=guard.notice)
        for one, withheld, unchecked in told
    ]


def _named(predictor: Predictor, answer: Answer, i: int) -> dict[str, float]:
    """The answer about a row by name; of next codes the likeliest alone, in falling order."""
    names = predictor.task.names
    if answer.likeliest is None:
        return dict(zip(names, map(float, answer.values[i]), strict=True))
    codes, chances = answer.likeliest.codes[i], answer.likeliest.probabilities[i]
    return {names[code]: float(chance) for code, chance in zip(codes, chances, strict=True)}


def _one(predictor: Predictor, rows: Cohort, i: int, refused: str | None, named: dict[str, float]) -> Prediction:
    bare = _bare(rows, i, refused)
    if refused:
        return bare
    if predictor.task.kind in ("regression", "forecast"):
        return replace(bare, value=named)
    if predictor.task.kind in ("multiclass", "next_event"):
        return replace(bare, probabilities=named, decision=max(named, key=named.__getitem__))
    if predictor.task.kind == "multilabel":
        return replace(bare, probabilities=named, decision=[name for name in named if _called(predictor, name, named[name])])
    threshold = predictor.threshold
    decision = None if threshold is None else bool(next(iter(named.values())) >= threshold)
    return replace(bare, probabilities=named, threshold=threshold, decision=decision)


def _bare(rows: Cohort, i: int, refused: str | None) -> Prediction:
    time = None if np.isnat(rows.time[i]) else _iso(rows.time[i])
    return Prediction(str(rows.row_id[i]), str(rows.source_id[i]), time, refused=refused)


def _iso(moment: np.datetime64) -> str:
    """To the second, or where it lies between two, to the millisecond before it."""
    second = moment.astype("datetime64[s]")
    return f"{second if second == moment else moment.astype('datetime64[ms]')}Z"


def _called(predictor: Predictor, label: str, risk: float) -> bool:
    threshold = predictor.thresholds.get(key(predictor.final, label))
    return threshold is not None and risk >= threshold
