"""How the answers are explained, and whether that holds."""

from __future__ import annotations

from sequela.evaluate.explained import ExplanationFacts, Score
from sequela.evaluate.report import numbers, svg
from sequela.evaluate.report.html import EMPTY, Safe, bullets, figure, figures, paragraph, section, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.explained_causes import causes, name_of
from sequela.evaluate.report.sections.explained_inputs import matters, single_rows
from sequela.evaluate.report.words import say

ATTENTION = "attention"  # in the names of methods that tell it


def explanations(run: Run) -> Safe:
    """Nothing where the study did not ask for it."""
    found = run.trusted.explanation
    if found is None:
        return EMPTY
    title = say("Explanations, and whether they hold")
    if found.reason:
        return section(title, paragraph(_why_not(found)))
    said = [paragraph(one) for one in (_what(found), _whom(found)) if one]
    warned = [paragraph(one, class_="warning") for one in _warnings(found)]
    return section(title, *said, *warned, causes(found), _checks(found), _curves(found), matters(found), single_rows(run, found))


def _why_not(found: ExplanationFacts) -> str:
    if found.reason == "rows":
        return say("No row of the part that is shown has anything to explain.")
    if found.reason == "steps":
        return say("Answers about steps are not explained: each step's answer is told beside it.")
    if found.reason == "kind":
        return say("Answers of the task {kind} are not explained cell by cell.", kind=found.kind)
    if found.told:
        return say("The method {method} was refused: {told}.", method=name_of(found.method), told=found.told)
    return say("No method of explanation suits these inputs.")


def _what(found: ExplanationFacts) -> str:
    of = found.column or say("the likeliest class or label of each row")
    scale = say("log-odds") if found.scale == "log-odds" else say("value")
    return say(
        "{method} tells what each cell of the inputs adds to the {scale} of {of}, here over {rows} rows of {subjects} patients "
        "of the {part} part, in {ms} ms a row. A cell that was not measured has no part.",
        method=name_of(found.method),
        scale=scale,
        of=of,
        rows=numbers.count(found.rows),
        subjects=numbers.count(found.subjects),
        part=found.part,
        ms=numbers.number(found.ms, "mae"),
    )


def _whom(found: ExplanationFacts) -> str:
    """What is explained, where that is not simply the answer that is given."""
    if found.averaged:
        return say(
            "What is explained is the network. The answer that is given is its average with baselines, which have no part here."
        )
    if found.members > 1:
        return say("What is explained is the mean of {n} networks.", n=numbers.count(found.members))
    return ""


def _warnings(found: ExplanationFacts) -> list[str]:
    told = [_of_score(found)]
    if ATTENTION in found.method:
        told.append(
            say(
                "Attention says where the network looked, not what moved its answer: it is shown as attention, and explains "
                "nothing."
            )
        )
    randomly = found.checks.randomised
    if randomly is not None and randomly.all.value is not None and randomly.all.value >= randomly.limit:
        told.append(
            say(
                "With weights in a random order the explanation stays alike (rank correlation {value}): it shows the inputs, "
                "not what the network learnt.",
                value=numbers.number(randomly.all.value),
            )
        )
    return [one for one in told if one]


def _of_score(found: ExplanationFacts) -> str:
    """A warning where the method that is shown found too little of what was planted, or was not held against anything."""
    scored = found.scored
    if scored is None or scored.auprc is None or scored.auprc.value is None:
        return say(
            "This explanation was not held against known causes: {why} Nothing says that it is right.", why=_unscored(found)
        )
    if scored.auprc.value >= found.floor:
        return ""
    return say(
        "This explanation found little of what is known to be there: AUPRC {value} against planted cells, below the floor of "
        "{floor}. Do not rest a decision on it.",
        value=numbers.number(scored.auprc.value),
        floor=numbers.number(found.floor),
    )


def _unscored(found: ExplanationFacts) -> str:
    planted = found.planted
    why = {
        "unasked": say("the study asks for no planted cells."),
        "rows": say("there were too few training rows to plant known cells into."),
        "input": say("no input has room for known cells."),
        "task": say("the task learns from rows of one kind alone."),
        "unlearnt": say(
            "the network did not learn the planted cells (AUROC {auroc} on held-out rows, {level} is asked for).",
            auroc=numbers.number(planted.auroc),
            level=numbers.number(planted.level),
        ),
        "": say("the method was too slow or refused."),
    }
    return why[planted.reason]


def _checks(found: ExplanationFacts) -> Safe:
    told = [_complete(found), _moving(found), _random(found), _stable(found), _settled(found)]
    return tag("h3", say("Other checks")) + bullets([one for one in told if one])


def _complete(found: ExplanationFacts) -> str:
    one = found.checks.completeness
    if one is None:
        return say("Completeness: this method does not claim that its parts sum to the answer.")
    return say(
        "Completeness: the parts of a row should sum to the answer less that of what it is compared with. {off} of {rows} rows "
        "are off by more than {tolerance}; the median is {median}, the largest {largest}. A sum that is right says nothing of "
        "where the parts lie.",
        off=numbers.percent(one.off),
        rows=numbers.count(one.rows),
        tolerance=numbers.percent(one.tolerance),
        median=numbers.percent(one.median),
        largest=numbers.percent(one.largest),
    )


def _moving(found: ExplanationFacts) -> str:
    one = found.checks.curves
    if one is None:
        return ""
    return say(
        "Deletion and insertion: with the cells that count most taken away the answer moves {deletion} {interval} farther than "
        "with as many at random, and with these alone it is {insertion} {other} nearer to the whole ({scale}, mean over the "
        "shares).",
        deletion=numbers.number(one.deletion_gain.value),
        interval=_limits(one.deletion_gain),
        insertion=numbers.number(one.insertion_gain.value),
        other=_limits(one.insertion_gain),
        scale=say("log-odds") if found.scale == "log-odds" else say("value"),
    )


def _limits(score: Score) -> str:
    return "" if score.low is None or score.high is None else f"[{numbers.number(score.low)}, {numbers.number(score.high)}]"


def _random(found: ExplanationFacts) -> str:
    one = found.checks.randomised
    if one is None:
        return ""
    return say(
        "Networks that know nothing: with the weights of the head in a random order the rank correlation with the explanation "
        "falls to {head}, with all weights to {all}. At {limit} or above it would not be the network that is explained.",
        head=numbers.number(one.head.value),
        all=numbers.number(one.all.value),
        limit=numbers.number(one.limit),
    )


def _stable(found: ExplanationFacts) -> str:
    one = found.checks.stability
    if one is None or one.value is None:
        return ""
    return say(
        "Stability: with inputs that are hardly different the rank correlation with the explanation is {value} {interval}.",
        value=numbers.number(one.value),
        interval=_limits(one),
    )


def _settled(found: ExplanationFacts) -> str:
    one = found.checks.points
    if one is None:
        return ""
    tried = ", ".join(f"{count}: {numbers.number(same)}" for count, same in one.tried)
    if one.settled:
        return say(
            "Points: {points}, the fewest whose order of the cells agrees with that of half as many to a rank correlation of "
            "{level} ({tried}).",
            points=numbers.count(one.points),
            level=numbers.number(one.level),
            tried=tried,
        )
    return say(
        "Points: {points}, the most that are tried; the order of the cells does not yet agree with that of half as many to a "
        "rank correlation of {level} ({tried}).",
        points=numbers.count(one.points),
        level=numbers.number(one.level),
        tried=tried,
    )


def _curves(found: ExplanationFacts) -> Safe:
    one = found.checks.curves
    if one is None:
        return EMPTY
    pairs = (
        (one.deletion, one.deletion_random, say("Share of the cells taken away")),
        (one.insertion, one.insertion_random, say("Share of the cells given alone")),
    )
    top = 1.05 * max(max(own + chance) for own, chance, _ in pairs) or 1.0
    drawn = [_curve(one.shares, own, chance, label, top) for own, chance, label in pairs]
    caption = say(
        "How far the answer is from that to the whole row as cells are taken away (left: high is better) or given alone (right: "
        "low is better), in the order of the explanation and at random."
    )
    return figures(*[figure(each, "") for each in drawn]) + paragraph(caption)


def _curve(shares: list[float], own: list[float], chance: list[float], label: str, top: float) -> Safe:
    axes = svg.Axes((0.0, 1.0), (0.0, top), label, say("Distance of the answer"), height=240)
    layers = [svg.line(axes, shares, values, place) for place, values in enumerate((own, chance))]
    return svg.plot(axes, layers, label, [(say("As explained"), 0), (say("At random"), 1)])
