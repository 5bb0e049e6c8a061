"""Where the records came from, which rows were used, and how they were shared out."""

from __future__ import annotations

from sequela.config import Cohort
from sequela.evaluate.facts import PartFacts, SplitFacts
from sequela.evaluate.report import numbers, plots
from sequela.evaluate.report.html import EMPTY, Piece, Safe, bullets, folded, paragraph, section, table, tag
from sequela.evaluate.report.run import Run

FEW = 10  # rows of a group below which a count might tell of one person


def data(run: Run) -> Safe:
    """The records, the question as it was put to them, the flow of rows."""
    study, held = run.study, run.facts.data
    asked = [
        ("Records", held.name or study.data.source),
        ("Licence", held.licence or "not stated by the data"),
        ("Reader", held.reader or study.data.reader or "a store"),
        ("Rows start from", study.cohort.index or f"each {study.cohort.trigger}"),
        ("Predicted", _moment(study.cohort)),
        ("Inputs look back", study.cohort.history or "over everything known"),
        ("Outcome", _outcome(run)),
        ("Content hash", held.hash or "–"),
    ]
    facts: list[list[Piece]] = [[name, value] for name, value in asked]
    notes = [f"{text}: {numbers.count(count)}" for text, count in {**held.notes, **run.flow.notes}.items()]
    refused: list[Piece] = [f"{numbers.count(held.refused)} records were refused by the reader"] if held.refused else []
    refused += [f"{reason} ({named})" for reason, named in held.refusals.items()]
    return section(
        "Data and flow",
        table(["", ""], facts),
        plots.flow(run.flow.steps),
        _by_group(run),
        bullets(refused),
        _noted(notes),
        _inputs(run),
    )


def _noted(notes: list[str]) -> Safe:
    """What the reader and the cohort counted; a long list is folded."""
    return bullets(notes) if len(notes) <= FEW else folded(f"What was counted on the way ({len(notes)} notes)", bullets(notes))


def _by_group(run: Run) -> Safe:
    """Of each group, how many rows each step of the flow left out; few people are not told apart."""
    told = [(place + 1, step) for place, step in enumerate(run.flow.steps) if step.groups]
    if not told:
        return EMPTY
    steps = [(number, step) for number, step in told if step.out] or told[-1:]
    rows: list[list[Piece]] = []
    for name, levels in told[0][1].groups.items():
        for level, (out, on) in levels.items():
            last = told[-1][1].groups[name].get(level, (0, 0))[1]
            gone = [_few(step.groups[name].get(level, (0, 0))[0]) for _, step in steps]
            rows.append([f"{name}: {level or 'not known'}", numbers.count(out + on), *gone, _few(last), _share(out + on, last)])
    head = ["Group", "Rows", *(f"Left out at {number}" for number, _ in steps), "Used", "Share used"]
    return folded("The flow by group", table(head, rows, f"Counts from 1 to {FEW - 1} are not printed."))


def _few(count: int) -> str:
    return f"< {FEW}" if 0 < count < FEW else numbers.count(count)


def _share(rows: int, used: int) -> str:
    return numbers.percent(used / rows) if rows >= FEW else "–"


def _moment(cohort: Cohort) -> str:
    after = " after it" if cohort.predict_at[:1] in "-0123456789" else ""
    again = f", and every {cohort.every} while the window {cohort.during} lasts" if cohort.every else ""
    return cohort.predict_at + after + again


def _outcome(run: Run) -> str:
    outcome = run.study.outcome
    if outcome.window:
        labels = [outcome.label] if isinstance(outcome.label, str) else outcome.label
        coded = [outcome.codes] if isinstance(outcome.codes, str) else outcome.codes
        length = f"length in {outcome.length}" if outcome.length else ""
        return f"{', '.join(filter(None, [outcome.value, *labels, *coded, length]))}, in the window {outcome.window}"
    if outcome.mask or outcome.boxes:
        listed = ", ".join(outcome.classes) or "all"
        return f"{'masks' if outcome.mask else 'boxes'} {outcome.mask or outcome.boxes}, of: {listed}"
    columns = [outcome.column] if isinstance(outcome.column, str) else outcome.column
    codes = [outcome.code] if isinstance(outcome.code, str) else outcome.code
    none = "the next codes of the input itself" if run.kind == "next_event" else "given by the data"
    what = ", ".join(filter(None, [*codes, *columns])) or none
    within = f", within {outcome.within}" if outcome.within else ""
    every = f", each {outcome.every} (its {outcome.value})" if outcome.every and outcome.value else ""
    gap = f", not sooner than {outcome.gap}" if outcome.gap not in ("", "0s") else ""
    return what + within + every + gap


def _inputs(run: Run) -> Safe:
    rows: list[list[Piece]] = [
        [
            one.name,
            one.modality,
            one.encoder,
            "×".join(map(str, one.shape)) or "1",
            numbers.count(one.features),
            numbers.count(one.without),
        ]
        for one in run.facts.inputs
    ]
    head = ["Input", "Read as", "Encoder", "Shape of a step", "Features", "Training rows without it"]
    return table(head, rows, "Inputs of the model.") + _missing(run)


def _missing(run: Run) -> Safe:
    rows: list[list[Piece]] = [
        [f"{one.name}: {column}", numbers.percent(share)] for one in run.facts.inputs for column, share in one.missing.items()
    ]
    if not rows:
        return EMPTY
    return folded(
        "Missing values, by column of the inputs (the most missing first)", table(["Column", "Rows without a value"], rows)
    )


def split(run: Run) -> Safe:
    """Who is in which part, and how often the test part was looked at."""
    rows: list[list[Piece]] = []
    for one in run.facts.splits:
        for name, part in one.parts.items():
            rows.append([f"{one.name}, {name}" if len(run.facts.splits) > 1 else name, *_part(part)])
    how = run.study.split
    said = [
        paragraph(f"Split by {how.by}; a {how.unit or 'subject'} is in one part only{_ordered(run)}.")
        if not run.facts.overlap
        else paragraph(tag("strong", "A unit may be in several parts: "), run.facts.overlap),
        paragraph(
            "The model is fitted on train; the threshold, the calibration, the epoch and the baselines' settings are chosen on "
            "tune; test is opened once all of that is fixed."
        ),
    ]
    counts = table(["Part", "Rows", "Subjects", "Events"], rows)
    return section("Split and looks at the test part", *said, counts, _likeness(run), _looks(run))


def _ordered(run: Run) -> str:
    """How units were dealt, where they were not drawn."""
    return "; the largest fill train, then tune, then test, and nothing is drawn" if run.study.split.order else ""


def _likeness(run: Run) -> Safe:
    """How like the sequences of the parts are, as the audit of each split tells it; nothing where there are none."""
    told = [one.text for one in run.facts.audit if one.check == "similar_sequences" and one.severity != "ok"]
    return bullets([f"Similarity between the parts: {text}." for text in told]) if told else EMPTY


def _part(part: PartFacts) -> list[Piece]:
    share = f" ({numbers.percent(part.events / part.rows)})" if part.events is not None and part.rows else ""
    classes = ", ".join(f"{name} {count:,}" for name, count in part.classes.items())
    events = f"{numbers.count(part.events)}{share}" if part.events is not None else classes or "–"
    return [numbers.count(part.rows), numbers.count(part.subjects), events]


def _looks(run: Run) -> Safe:
    opened = [one for one in run.facts.splits if one.looks]
    if not opened:
        return paragraph("The test part has not been opened by this run.") if not run.facts.test_opened else EMPTY
    return bullets([_look(one, len(run.facts.splits) > 1) for one in opened])


def _look(one: SplitFacts, several: bool) -> str:
    where = f" of {one.name}" if several else ""
    times = "once: by this run" if one.looks == 1 else f"{one.looks} times, this run included"
    return f"The test rows{where} have been looked at {times}."
