"""What was settled before the test part was opened: whether it was met, and whether an earlier look had another plan."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.acceptance import Judgement
from sequela.evaluate.planned import EarlierLook, PlanFacts
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, folded, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, retold, say

VERDICTS = {"met": later("met"), "not met": later("not met"), "cannot be told": later("cannot be told")}
TOGETHER = {
    "met": later("All that was to be met is met."),
    "not met": later("Not all that was to be met is met."),
    "cannot be told": later("Of what was to be met, not all can be told."),
}
PARTLY = later("the interval holds values that do not meet it")
PURPOSES = {"run": later("a run"), "evaluate": later("a bundle judged")}


def accepted(run: Run) -> Safe:
    """First of all: what was to be met, and what became of it; nothing where the plan asked for nothing."""
    facts = run.trusted.plan
    if facts is None or not facts.verdict:
        return EMPTY
    said = paragraph(tag("strong", say(TOGETHER[facts.verdict])), class_="verdict")
    return section(say("Acceptance"), said, judgements(facts.accepted), _sealed(facts))


def judgements(found: Sequence[Judgement]) -> Safe:
    """Each criterion with its number and verdict, as a table."""
    rows: list[list[Piece]] = [[tag("code", one.text), _number(one), _counts(one), _verdict(one)] for one in found]
    head = [say("Criterion"), say("Found"), say("Rows"), say("Verdict")]
    return table(
        head, rows, say("What was to be met, settled beforehand. A value is judged as it is; its interval stands beside it.")
    )


def _number(one: Judgement) -> Piece:
    if one.value is None:
        return "–"
    shown = numbers.number(one.value, one.metric)
    if one.low is None or one.high is None:
        return shown
    limits = f" [{numbers.number(one.low, one.metric)}, {numbers.number(one.high, one.metric)}]"
    return tag("span", shown, tag("small", limits))


def _counts(one: Judgement) -> str:
    if one.n is None:
        return "–"
    of = "" if one.events is None else say(", {n} events", n=numbers.count(one.events))
    return numbers.count(one.n) + of


def _verdict(one: Judgement) -> Piece:
    name = "strong" if one.verdict != "met" else "span"
    doubt = say(PARTLY) if one.verdict == "met" and one.whole is False else ""
    notes = "; ".join(filter(None, [one.group, doubt, retold(one.reason)]))
    return tag("span", tag(name, say(VERDICTS[one.verdict])), tag("small", f" ({notes})") if notes else EMPTY)


def _sealed(facts: PlanFacts) -> Safe:
    return paragraph(
        say("Sealed on {time} as {hash}, before the test part was opened.", time=facts.sealed, hash=facts.hash[:12])
        if facts.hash
        else ""
    )


def plan(run: Run) -> Safe:
    """The sealed plan, and how the plans of earlier looks at the same rows differ from it."""
    facts = run.trusted.plan
    if facts is None:
        return EMPTY
    said = paragraph(
        say(
            "Question, cohort, outcome, split, metrics, thresholds and calibration, and the hash of the weights were written "
            "down and hashed before the test part was opened: SHA-256 {hash}, on {time}. This is look number {n} at these rows.",
            hash=facts.hash,
            time=facts.sealed,
            n=numbers.count(facts.looks),
        )
    )
    return section(say("The sealed plan"), said, _changed(facts), *[_look(one) for one in facts.earlier])


def _changed(facts: PlanFacts) -> Safe:
    changed = sum(bool(one.changed) for one in facts.earlier)
    unknown = sum(not one.known for one in facts.earlier)
    said: list[Safe] = []
    if changed:
        warning = say("The plan was changed after a look at these test rows: earlier looks that had another one: {n}.", n=changed)
        said.append(tag("div", paragraph(tag("strong", warning)), class_="warning"))
    if unknown:
        said.append(paragraph(say("Earlier looks whose plan is not known: {n}.", n=numbers.count(unknown))))
    return joined(said)


def _look(one: EarlierLook) -> Safe:
    if not one.known:
        return EMPTY
    purpose = say(PURPOSES[one.purpose]) if one.purpose in PURPOSES else one.purpose
    title = say(
        "{time}, {study} ({purpose}); keys that differ: {n}", time=one.time, study=one.study, purpose=purpose, n=len(one.changed)
    )
    anew = paragraph(say("The network, its thresholds or its calibration were others.")) if one.trained_anew else EMPTY
    rows: list[list[Piece]] = [[tag("code", change.key), change.before, change.after] for change in one.changed]
    return folded(title, anew, table([say("Key"), say("Then"), say("Now")], rows))
