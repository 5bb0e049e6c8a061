"""Visits of which we know what may be prescribed and why: indications, contraindications, interactions, and prescribers who slip.

Patients have chronic problems, whose drugs are carried on from visit to visit, and acute ones. Each problem asks for one drug or
several, each a first line and its alternatives. A prescriber takes the drug that the patient has, or else the first line or (less
often) an alternative, among those that no constraint rules out (allergy, renal function, pregnancy, age) and that do not go
against a drug already chosen; now and then (SLIP) without looking at either. So the records are less safe than the rules, and a
model that learns from them alone repeats their errors.

Problems and laboratory values are charted within the hour after admission, drugs from two hours on. Beside the records lie
interactions.csv and constraints.csv, which the task `recommend` reads. Reader: meds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.simulate.prescriptions.pharmacy import ALLERGIES, CONSTRAINTS, DRUGS, INTERACTIONS, PROBLEMS, Problem, drug

SLIP = 0.15  # share of choices made without looking at constraints and interactions
BOLD = 0.7  # share of choices that accept an interaction that is not "contraindicated"
OMIT = 0.04  # share of intended drugs that are not given
CARRY = 0.95  # share of chronic drugs, where still allowed, that are carried on
CODED = 0.93  # share of chronic problems that are charted at a visit
LINES = (0.7, 0.2, 0.1)  # how often first line, second and third are begun, among those allowed
RENAL = (0.06, 0.3)  # share with failing kidneys, up to and above 60 years
VISITS = 8  # at most
GAP_DAYS = (40, 400)  # between two visits
BEGIN = datetime(2020, 1, 1)
YEAR = timedelta(days=365.2425)
EGFR, PREGNANT = "LOINC//98979-8", "ICD10CM//Z33.1"

_SEVERITY = {frozenset((drug(a), drug(b))): severity for a, b, severity, _ in INTERACTIONS}
_RULES = [(drug(name), when.split()) for name, when, _, _ in CONSTRAINTS]


@dataclass(frozen=True, slots=True)
class State:
    """What is true of a patient at a visit, and known an hour after admission."""

    age: float  # years
    egfr: float  # ml/min/1.73 m²
    pregnant: bool
    allergies: frozenset[str]  # ATC codes

    def excludes(self, code: str) -> bool:
        """Whether a constraint rules the drug out."""
        return any(self._holds(when, code) for rule, when in _RULES if rule == code)

    def _holds(self, when: Sequence[str], code: str) -> bool:
        if when[0] in ("egfr", "age"):
            return bool(getattr(self, when[0]) < float(when[2]))
        return self.pregnant if when[0] == "pregnant" else code in self.allergies


@dataclass(frozen=True, slots=True)
class Choice:
    """One drug that a problem asks for."""

    problem: str
    code: str
    slipped: bool  # chosen without looking
    given: bool


@dataclass(frozen=True, slots=True)
class Visit:
    number: int
    begin: datetime
    end: datetime
    state: State
    problems: tuple[Problem, ...]
    charted: tuple[str, ...]  # codes of the problems that are written down
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    number: int
    sex: str
    birth: datetime
    visits: tuple[Visit, ...]


@dataclass
class Events:
    """The rows of a MEDS table as they come."""

    columns: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ("subject_id", "time", "code", "numeric_value", "text_value", "visit")}
    )

    def add(
        self,
        subject: int,
        time: datetime | None,
        code: str,
        *,
        number: float | None = None,
        text: str | None = None,
        visit: int | None = None,
    ) -> None:
        for name, value in zip(self.columns, (subject, time, code, number, text, visit), strict=True):
            self.columns[name].append(value)


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes a MEDS dataset, interactions.csv, constraints.csv and truth.csv.

    truth.csv has a line for each drug of a visit that is indicated or given: subject, visit, drug, indicated (by a present
    problem), excluded (by a constraint), intended (what the prescriber meant to give), given, slipped; the last four 0 or 1.
    """
    events, truth = Events(), ["subject,visit,drug,indicated,excluded,intended,given,slipped"]
    for number in range(1, subjects + 1):
        patient = drawn(number, streams.generator(seed, "prescriptions", number))
        _record(patient, events)
        truth += [line for visit in patient.visits for line in _truth(patient, visit)]
        progress("patients", number, subjects)
    _save(folder, events)
    tables(folder)
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="ascii")


def tables(folder: Path) -> None:
    """Writes interactions.csv and constraints.csv, in the form that the task `recommend` reads."""
    pairs = [(drug(a), drug(b), severity, source) for a, b, severity, source in INTERACTIONS]
    rules = [(drug(name), when, reason, source) for name, when, reason, source in CONSTRAINTS]
    _table(folder / "interactions.csv", ("drug_a", "drug_b", "severity", "source"), pairs)
    _table(folder / "constraints.csv", ("drug", "when", "reason", "source"), rules)


# ---------------------------------------------------------------------------------------------------------------------- patients


def drawn(number: int, random: np.random.Generator) -> Patient:
    """A patient with all their visits."""
    sex, age = ("F" if random.random() < 0.52 else "M"), _age(random)
    first = BEGIN + timedelta(minutes=int(random.integers(0, 2 * 365 * 24 * 60)))
    birth = (first - age * YEAR).replace(hour=0, minute=0, second=0, microsecond=0)
    allergies = frozenset(drug(name) for name, share in ALLERGIES.items() if random.random() < share)
    healthy = 105 - 0.5 * max(age - 30, 0) + 10 * random.normal()
    egfr = healthy * (random.uniform(0.22, 0.55) if random.random() < RENAL[age > 60] else 1.0)
    luck = {problem.code: random.random() / problem.share for problem in PROBLEMS if problem.chronic}
    kept: dict[tuple[str, int], str] = {}
    visits, begin = [], first
    for k in range(min(VISITS, 1 + int(random.geometric(0.3)))):
        years = (begin - birth) / YEAR
        pregnant = sex == "F" and 18 <= years <= 42 and random.random() < 0.15
        measured = float(np.clip(egfr - 2.5 * k + 4 * random.normal(), 5, 120).round())
        state = State(years, measured, pregnant, allergies)
        visits.append(_visit(number * 100 + k, begin, state, _present(sex, years, luck, random), kept, random))
        begin = visits[-1].end + timedelta(days=int(random.integers(*GAP_DAYS)))
    return Patient(number, sex, birth, tuple(visits))


def _age(random: np.random.Generator) -> float:
    """Years at the first visit: some children, some of child-bearing age, most of them old."""
    low, high = ((4, 18), (18, 45), (45, 90))[int(random.choice(3, p=(0.1, 0.25, 0.65)))]
    return float(random.uniform(low, high))


def _present(sex: str, age: float, luck: Mapping[str, float], random: np.random.Generator) -> tuple[Problem, ...]:
    """The chronic problems that the patient has at that age, and the acute ones of this visit."""
    fitting = [one for one in PROBLEMS if one.ages[0] <= age <= one.ages[1] and one.sex in ("", sex)]
    return tuple(one for one in fitting if (luck[one.code] < 1 if one.chronic else random.random() < one.share))


def _visit(
    number: int,
    begin: datetime,
    state: State,
    problems: tuple[Problem, ...],
    kept: dict[tuple[str, int], str],
    random: np.random.Generator,
) -> Visit:
    """A visit; `kept`, the chronic drug of each need, is brought up to date."""
    choices: list[Choice] = []
    for problem in problems:
        for k, names in enumerate(problem.needs):
            options = [drug(name) for name in names]
            slipped = bool(random.random() < SLIP)
            code = _chosen(options, kept.get((problem.code, k)), state, [one.code for one in choices], slipped, random)
            given = bool(random.random() >= OMIT)
            if code and code not in [one.code for one in choices]:
                choices.append(Choice(problem.code, code, slipped, given))
            if code and problem.chronic:
                kept[problem.code, k] = code
    charted = [one.code for one in problems if not one.chronic or random.random() < CODED]
    end = begin + timedelta(hours=int(random.integers(30, 220)))
    return Visit(number, begin, end, state, problems, tuple(charted), tuple(choices))


def _chosen(
    options: Sequence[str], had: str | None, state: State, others: Sequence[str], slipped: bool, random: np.random.Generator
) -> str | None:
    """The drug taken of these; None where none is left."""
    bold, same, preference = random.random() < BOLD, random.random() < CARRY, random.random()
    if slipped:
        return had or options[0]
    allowed = [code for code in options if not state.excludes(code) and not _clashes(code, others, bold)]
    if had in allowed and same:
        return had
    shares = np.cumsum([LINES[options.index(code)] for code in allowed])
    return allowed[int(np.searchsorted(shares, preference * shares[-1], side="right"))] if allowed else None


def _clashes(code: str, others: Sequence[str], bold: bool) -> bool:
    found = [_SEVERITY.get(frozenset((code, other)), "") for other in others]
    return "contraindicated" in found or (not bold and any(found))


# ----------------------------------------------------------------------------------------------------------------------- files


def _record(patient: Patient, events: Events) -> None:
    """The events of a patient: those without time first, then by time."""
    subject = patient.number
    events.add(subject, None, "SEX", text=patient.sex)
    for code in sorted(patient.visits[0].state.allergies):
        events.add(subject, None, f"ALLERGY//{code}", text="known")
    events.add(subject, patient.birth, "MEDS_BIRTH")
    for visit in patient.visits:
        _record_visit(subject, visit, events)


def _record_visit(subject: int, visit: Visit, events: Events) -> None:
    def add(minutes: int, code: str, number: float | None = None) -> None:
        events.add(subject, visit.begin + timedelta(minutes=minutes), code, number=number, visit=visit.number)

    add(0, "HOSPITAL//ADMISSION")
    add(0, "AGE", round(visit.state.age, 2))
    if visit.state.pregnant:
        add(5, PREGNANT)
    for code in visit.charted:
        add(20, code)
    add(40, EGFR, visit.state.egfr)
    for k, choice in enumerate(one for one in visit.choices if one.given):
        add(120 + 7 * k, choice.code)
    events.add(subject, visit.end, "HOSPITAL//DISCHARGE", visit=visit.number)


def _truth(patient: Patient, visit: Visit) -> Iterator[str]:
    indicated = {drug(name) for problem in visit.problems for need in problem.needs for name in need}
    chosen = {choice.code: choice for choice in visit.choices}
    for code in sorted(indicated | set(chosen)):
        one = chosen.get(code)
        flags = (
            code in indicated,
            visit.state.excludes(code),
            one is not None,
            bool(one and one.given),
            bool(one and one.slipped),
        )
        yield ",".join([str(patient.number), str(visit.number), code, *(str(int(flag)) for flag in flags)])


def _save(folder: Path, events: Events) -> None:
    import polars as pl

    types: dict[str, Any] = {
        "subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "numeric_value": pl.Float32,
        "text_value": pl.String, "visit": pl.Int64,
    }  # fmt: skip
    frame = pl.DataFrame(events.columns, schema=types)
    for part in ("data", "metadata"):
        (folder / part).mkdir()
    frame.write_parquet(folder / "data" / "000.parquet", compression="zstd", statistics=False)
    _codes(frame["code"].unique().sort().to_list()).write_parquet(folder / "metadata" / "codes.parquet", statistics=False)


def _codes(codes: Sequence[str]) -> Any:
    """The code table: what each is and its kind."""
    import polars as pl

    names = {problem.code: problem.name for problem in PROBLEMS} | DRUGS | {PREGNANT: "pregnant state", EGFR: "eGFR"}
    kinds = {"SEX": "static", "AGE": "static", EGFR: "measurement"}
    rows = [(code, names.get(code, ""), "static" if code.startswith("ALLERGY//") else kinds.get(code, "event")) for code in codes]
    described = pl.DataFrame(rows, schema=["code", "description", "kind"], orient="row")
    return described.with_columns(unit=pl.when(pl.col("code") == EGFR).then(pl.lit("mL/min/{1.73_m2}")).otherwise(pl.lit("")))


def _table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8")
