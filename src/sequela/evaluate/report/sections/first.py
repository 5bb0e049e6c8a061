"""What a newcomer reads first, three lines made from values: the question, the verdict, and whether it can be trusted."""

from __future__ import annotations

from sequela.evaluate.report import evidence
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, tag
from sequela.evaluate.report.items import HUMAN
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.verdict import answer
from sequela.evaluate.report.words import later, say


def lines(run: Run) -> Safe:
    """The three lines."""
    told: list[tuple[str, str]] = [
        (say("Question"), run.study.question),
        (say("Answer"), answer(run)),
        (say("Can it be trusted?"), trusted(run)),
    ]
    return tag("div", *[paragraph(tag("strong", f"{name} "), text) for name, text in told], class_="first")


def trusted(run: Run) -> str:
    """What speaks for and against the numbers, from the audit, the looks, the plan and what is missing; nothing is judged."""
    points = [_opened(run), _audited(run), *_accepted(run), _missing(run)]
    return say("{points}.", points=say("; ").join(points))


def _opened(run: Run) -> str:
    """How fresh the rows were that it was judged on."""
    looks = max((split.looks or 0 for split in run.facts.splits), default=0)
    if run.part == "tune":
        return say("These are rows that choices were made on, so the numbers flatter")
    if looks == 1:
        return say("The rows that it is judged on had not been looked at before")
    counted = say("The rows that it is judged on have been looked at {count} times", count=looks)
    return counted if looks else say("How often these rows have been looked at is not recorded")


def _audited(run: Run) -> str:
    grave = [alarm for alarm in run.facts.audit if alarm.severity in ("warning", "leak")]
    if not run.facts.audit:
        return say("no check for leaks is recorded")
    told = later("{count} of {checks} checks for leaks raised an alarm")
    return say(told, count=len(grave), checks=len(run.facts.audit)) if grave else say("no check for leaks raised an alarm")


_VERDICTS = {
    "met": later("what the sealed plan asks for is met"),
    "not met": later("what the sealed plan asks for is not met"),
    "cannot be told": later("whether what the sealed plan asks for is met cannot be told"),
}


def _accepted(run: Run) -> list[str]:
    """Whether the criteria of the plan are met; nothing where it has none."""
    plan = run.trusted.plan
    return [say(_VERDICTS[plan.verdict])] if plan is not None and plan.verdict else []


def _missing(run: Run) -> str:
    blank = len(evidence.blanks(run))
    told = later("{blank} of {all} statements that only people can make are missing")
    return say(told, blank=blank, all=len(HUMAN)) if blank else say("every statement that only people can make is there")


def open_items(run: Run) -> Safe:
    """What nobody has stated yet, each with a link to its blank; nothing where all is stated."""
    open_ = evidence.blanks(run)
    if not open_:
        return EMPTY
    links: list[Piece] = []
    for item in open_:
        links += [say(", ") if links else "", tag("a", say(item.title), href=f"#of-{item.name}")]
    return tag("div", paragraph(tag("strong", say("Not stated by anybody yet: ")), *links, say(".")), class_="open")
