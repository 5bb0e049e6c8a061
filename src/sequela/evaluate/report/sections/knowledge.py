"""What was known beforehand: the concepts by which answers move, and the rules that they keep or break."""

from __future__ import annotations

from sequela.evaluate.knowledge import LEAST, ConceptFacts, KnowledgeFacts, RuleFacts
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Safe, folded, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.explained_causes import name_of
from sequela.evaluate.report.words import later, say

SETS = {
    "icd_chapters": later("Chapters of the ICD."),
    "loinc_panels": later("Panels of measurements."),
    "ecg_segments": later("Segments of the heartbeat, by their usual distance from the R peak."),
    "body_regions": later("Regions of the picture, left and right as it is looked at, not the patient's."),
}


def knowledge(run: Run) -> Safe:
    """Nothing where the study names neither concepts nor rules."""
    found = run.trusted.knowledge
    if found is None:
        return EMPTY
    return section(say("Expert knowledge"), _rules(found), _concepts(found))


# ------------------------------------------------------------------------------------------------------------------------ rules


def _rules(found: KnowledgeFacts) -> Safe:
    if not found.rules:
        return EMPTY
    about = say(
        "Each rule was tried on every row of the {part} part in which its feature was seen: the feature was raised in all its "
        "steps, though not beyond what training had, and the network asked again, all else alike. A rule is broken where the "
        "answer goes the wrong way by more than {least} in log-odds. Intervals of {confidence} resample patients.",
        least=f"{LEAST:g}",
        part=found.part,
        confidence=numbers.percent(found.confidence),
    )
    alone = say("The networks alone were asked, not the average with baselines that is given.") if found.averaged else ""
    head = [
        say("Rule"),
        say("Rows"),
        say("Patients"),
        say("Broken"),
        say("Share with interval"),
        say("Mean size, log-odds"),
        say("Mean size, risk"),
    ]
    body = [
        [
            _rule(one),
            numbers.count(one.rows),
            numbers.count(one.subjects),
            numbers.count(one.violations),
            _share(one),
            numbers.number(one.log_odds),
            numbers.number(one.risk),
        ]
        for one in found.rules
    ]
    return joined(
        [
            tag("h3", say("Rules")),
            *[paragraph(one, class_="warning") for one in _broken(found)],
            table(head, body),
            paragraph(about),
            *([paragraph(alone)] if alone else []),
            _worst(found),
            paragraph(say("A rule that is kept on these rows and by this rise is not thereby kept on all others.")),
        ]
    )


def _rule(one: RuleFacts) -> str:
    """The rule in words."""
    if one.by is None:
        lower = say("{feature} being there must not lower the risk of {of}", feature=one.feature, of=one.of)
        raised = say("{feature} being there must not raise the risk of {of}", feature=one.feature, of=one.of)
    else:
        by = numbers.number(one.by, "mae")
        lower = say("{feature} raised by {by} must not lower the risk of {of}", feature=one.feature, by=by, of=one.of)
        raised = say("{feature} raised by {by} must not raise the risk of {of}", feature=one.feature, by=by, of=one.of)
    told = lower if one.must_not == "lower" else raised
    return told + say(" (penalty {penalty} in training)", penalty=f"{one.penalty:g}") if one.penalty else told


def _share(one: RuleFacts) -> str:
    if one.share is None:
        return say("seen in no row")
    limits = f" [{numbers.percent(one.low)}, {numbers.percent(one.high)}]" if one.low is not None and one.high is not None else ""
    return numbers.percent(one.share) + limits


def _broken(found: KnowledgeFacts) -> list[str]:
    return [
        say(
            "The model breaks a rule of the study in {n} of {rows} rows: {rule}.",
            n=numbers.count(one.violations),
            rows=numbers.count(one.rows),
            rule=_rule(one),
        )
        for one in found.rules
        if one.violations
    ]


def _worst(found: KnowledgeFacts) -> Safe:
    head = [say("Row"), say("Risk with less"), say("Risk with more"), say("Wrong way, log-odds")]
    each = [
        joined(
            [
                paragraph(_rule(one)),
                table(
                    head,
                    [
                        [row.row_id, numbers.number(row.less), numbers.number(row.more), numbers.number(row.log_odds)]
                        for row in one.worst
                    ],
                ),
            ]
        )
        for one in found.rules
        if one.worst
    ]
    return folded(say("The rows that break a rule most"), *each) if each else EMPTY


# --------------------------------------------------------------------------------------------------------------------- concepts


def _concepts(found: KnowledgeFacts) -> Safe:
    if found.unexplained:
        return paragraph(say("Nothing was gathered into concepts: {why}.", why=found.unexplained))
    if not found.concepts:
        return EMPTY
    about = say(
        "What the method {method} says that each input adds to the {scale} of an answer, gathered by concept over {n} rows of "
        "the {part} part: of each row the sum, of the sums the mean size and the mean. Each cell is counted once; what belongs "
        "to no concept is other. How far that method can be trusted is told where it is checked, and its sums can be no better.",
        method=name_of(found.method),
        scale=say("log-odds") if found.scale == "log-odds" else say("value"),
        n=numbers.count(found.explained),
        part=found.part,
    )
    sets = list(dict.fromkeys(one.of for one in found.concepts))
    return joined(
        [
            tag("h3", say("Concepts")),
            paragraph(about),
            *[_set(name, [one for one in found.concepts if one.of == name]) for name in sets],
        ]
    )


def _set(name: str, concepts: list[ConceptFacts]) -> Safe:
    head = [say("Concept"), say("Mean size"), say("Share of all"), say("Mean")]
    body = [
        [
            say("other") if one.name == "other" else one.name,
            numbers.number(one.mean_absolute),
            numbers.percent(one.share),
            numbers.number(one.mean, signed=True),
        ]
        for one in concepts
    ]
    return table(head, body, caption=say(SETS[name]) if name in SETS else name.replace("_", " "))
