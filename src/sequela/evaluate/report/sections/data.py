"""Where the records came from, which rows were used, and how they were shared out."""

from __future__ import annotations

from sequela.config import Cohort
from sequela.evaluate.facts import PartFacts, SplitFacts
from sequela.evaluate.report import numbers, plots
from sequela.evaluate.report.html import EMPTY, Piece, Safe, bullets, folded, paragraph, section, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, retold, say

FEW = 10  # rows of a group below which a count might tell of one person


def data(run: Run) -> Safe:
    """The records, the question as it was put to them, the flow of rows."""
    study, held = run.study, run.facts.data
    asked = [
        (say("Records"), held.name or study.data.source),
        (say("Licence"), held.licence or say("not stated by the data")),
        (say("Reader"), held.reader or study.data.reader or say("a store")),
        (say("Rows start from"), study.cohort.index or say("each {trigger}", trigger=study.cohort.trigger)),
        (say("Predicted"), _moment(study.cohort)),
        (say("Inputs look back"), study.cohort.history or say("over everything known")),
        (say("Outcome"), _outcome(run)),
        (say("Content hash"), held.hash or "–"),
    ]
    facts: list[list[Piece]] = [[name, value] for name, value in asked]
    notes = [f"{retold(text)}: {numbers.count(count)}" for text, count in {**held.notes, **run.flow.notes}.items()]
    refused: list[Piece] = []
    if held.refused:
        refused.append(say("{count} records were refused by the reader", count=numbers.count(held.refused)))
    refused += [f"{retold(reason)} ({retold(named)})" for reason, named in held.refusals.items()]
    return section(
        say("Data and flow"),
        table(["", ""], facts),
        plots.flow(run.flow.steps),
        _by_group(run),
        bullets(refused),
        _noted(notes),
        _inputs(run),
    )


def _noted(notes: list[str]) -> Safe:
    """What the reader and the cohort counted; a long list is folded."""
    if len(notes) <= FEW:
        return bullets(notes)
    return folded(say("What was counted on the way ({count} notes)", count=len(notes)), bullets(notes))


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
            group = f"{name}: {level or say('not known')}"
            rows.append([group, numbers.count(out + on), *gone, _few(last), _share(out + on, last)])
    left_out = [say("Left out at {step}", step=number) for number, _ in steps]
    head = [say("Group"), say("Rows"), *left_out, say("Used"), say("Share used")]
    caption = say("Counts from 1 to {most} are not printed.", most=FEW - 1)
    return folded(say("The flow by group"), table(head, rows, caption))


def _few(count: int) -> str:
    return f"< {FEW}" if 0 < count < FEW else numbers.count(count)


def _share(rows: int, used: int) -> str:
    return numbers.percent(used / rows) if rows >= FEW else "–"


def _moment(cohort: Cohort) -> str:
    said = cohort.predict_at
    if said[:1] in "-0123456789":
        said = say("{time} after it", time=said)
    if not cohort.every:
        return said
    return say("{when}, and every {step} while the window {window} lasts", when=said, step=cohort.every, window=cohort.during)


def _outcome(run: Run) -> str:
    outcome = run.study.outcome
    if outcome.window:
        labels = [outcome.label] if isinstance(outcome.label, str) else outcome.label
        coded = [outcome.codes] if isinstance(outcome.codes, str) else outcome.codes
        length = say("length in {unit}", unit=say(outcome.length)) if outcome.length else ""
        asked = ", ".join(filter(None, [outcome.value, *labels, *coded, length]))
        return say("{asked}, in the window {window}", asked=asked, window=outcome.window)
    if outcome.mask or outcome.boxes:
        listed = ", ".join(outcome.classes) or say("all")
        if outcome.mask:
            return say("masks {code}, of: {classes}", code=outcome.mask, classes=listed)
        return say("boxes {code}, of: {classes}", code=outcome.boxes, classes=listed)
    columns = [outcome.column] if isinstance(outcome.column, str) else outcome.column
    codes = [outcome.code] if isinstance(outcome.code, str) else outcome.code
    none = say("the next codes of the input itself") if run.kind == "next_event" else say("given by the data")
    what = ", ".join(filter(None, [*codes, *columns])) or none
    within = say(", within {time}", time=outcome.within) if outcome.within else ""
    stretches = outcome.every and outcome.value
    every = say(", each {step} (its {value})", step=outcome.every, value=outcome.value) if stretches else ""
    gap = say(", not sooner than {time}", time=outcome.gap) if outcome.gap not in ("", "0s") else ""
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
    head = [
        *(say("Input"), say("Read as"), say("Encoder")),
        *(say("Shape of a step"), say("Features"), say("Training rows without it")),
    ]
    return table(head, rows, say("Inputs of the model.")) + _missing(run)


def _missing(run: Run) -> Safe:
    rows: list[list[Piece]] = [
        [f"{one.name}: {column}", numbers.percent(share)] for one in run.facts.inputs for column, share in one.missing.items()
    ]
    if not rows:
        return EMPTY
    told = table([say("Column"), say("Rows without a value")], rows)
    return folded(say("Missing values, by column of the inputs (the most missing first)"), told)


def split(run: Run) -> Safe:
    """Who is in which part, and how often the test part was looked at."""
    rows: list[list[Piece]] = []
    for one in run.facts.splits:
        for name, part in one.parts.items():
            rows.append([f"{one.name}, {say(name)}" if len(run.facts.splits) > 1 else say(name), *_part(part)])
    chosen = say(
        "The model is fitted on train; the threshold, the calibration, the epoch and the baselines' settings are chosen on "
        "tune; test is opened once all of that is fixed."
    )
    counts = table([say("Part"), say("Rows"), say("Subjects"), say("Events")], rows)
    title = say("Split and looks at the test part")
    return section(title, paragraph(*_units(run)), paragraph(chosen), counts, _likeness(run), _looks(run))


def _units(run: Run) -> list[Piece]:
    """What is in one part only; or that it is not."""
    if run.facts.overlap:
        return [tag("strong", say("A unit may be in several parts: ")), run.facts.overlap]
    how, told = run.study.split, later("Split by {by}; a {unit} is in one part only{ordered}.")
    return [say(told, by=say(how.by), unit=how.unit or say("subject"), ordered=_ordered(run))]


def _ordered(run: Run) -> str:
    """How units were dealt, where they were not drawn."""
    return say("; the largest fill train, then tune, then test, and nothing is drawn") if run.study.split.order else ""


def _likeness(run: Run) -> Safe:
    """How like the sequences of the parts are, as the audit of each split tells it; nothing where there are none."""
    told = [one.text for one in run.facts.audit if one.check == "similar_sequences" and one.severity != "ok"]
    return bullets([say("Similarity between the parts: {found}.", found=retold(text)) for text in told]) if told else EMPTY


def _part(part: PartFacts) -> list[Piece]:
    share = f" ({numbers.percent(part.events / part.rows)})" if part.events is not None and part.rows else ""
    classes = ", ".join(f"{retold(name)} {count:,}" for name, count in part.classes.items())
    events = f"{numbers.count(part.events)}{share}" if part.events is not None else classes or "–"
    return [numbers.count(part.rows), numbers.count(part.subjects), events]


def _looks(run: Run) -> Safe:
    opened = [one for one in run.facts.splits if one.looks]
    if not opened:
        return paragraph(say("The test part has not been opened by this run.")) if not run.facts.test_opened else EMPTY
    return bullets([_look(one, len(run.facts.splits) > 1) for one in opened])


def _look(one: SplitFacts, several: bool) -> str:
    where = say(" of {split}", split=one.name) if several else ""
    once = one.looks == 1
    times = say("once: by this run") if once else say("{count} times, this run included", count=one.looks)
    return say("The test rows{where} have been looked at {times}.", where=where, times=times)
