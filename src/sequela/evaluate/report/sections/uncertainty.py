"""What is promised beside an answer, and whether it held: sets of classes, decisions withheld, unusual inputs, calibration."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.calibrate import Tried
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, folded, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.decisions import confidence, decisions
from sequela.evaluate.report.words import later, retold, say
from sequela.evaluate.uncertainty.facts import Covered, Mixed, Spread, UncertaintyFacts, Unusual
from sequela.evaluate.uncertainty.sets import Sets

FOR = {
    "class": later("within each class"),
    "all": later("over all rows"),
    "group": later("within each class of each group"),
}
SURVIVES = {
    "class": later(
        "This survives another prevalence, as long as the patients of each class are as they were. It does not survive other "
        "patients, another way of measuring, or a changed practice."
    ),
    "all": later(
        "It is kept in the mean over all rows, and may be broken nearly always in a rare class; it survives neither another "
        "prevalence nor other patients."
    ),
    "group": later(
        "This survives another prevalence in any of the groups, as long as the patients of each class and group are as they "
        "were. It does not survive other patients within a group, nor a group that tune did not have: there every class is "
        "possible."
    ),
}
CANNOT = {
    "none": later("Risks are told as the network gives them: if they are too high or too low, they stay so."),
    "temperature": later(
        "One temperature makes all classes surer or less sure together; it cannot mend a class that is foreseen too often, nor "
        "another prevalence elsewhere."
    ),
    "platt": later(
        "Platt scaling moves and stretches log-odds; it cannot mend risks that are right at one end and wrong at the other, nor "
        "the order of two rows."
    ),
    "beta": later(
        "Beta calibration bends each end of the risks by itself; it cannot mend risks that are wrong in the middle alone, nor "
        "the order of two rows."
    ),
    "isotonic": later(
        "Isotonic regression follows any rising curve; it cannot mend the order of two rows, makes ties, and learns few rows by "
        "heart."
    ),
}
MEASURES = {
    "distance": later("distance of what the network makes of it"),
    "energy": later("energy: the network speaks for no class"),
    "missing": later("missing columns"),
    "outside": later("values in the outermost hundredth of training"),
    "few": later("few steps"),
    "unknown": later("unknown codes or words"),
}


def uncertainty(run: Run) -> Safe:
    """Nothing where nothing is promised."""
    facts = run.trusted.uncertainty
    if facts is None:
        return EMPTY
    parts = [
        _sets(run, facts),
        _ranges(run, facts),
        decisions(run, facts),
        _spread(facts.spread),
        _unusual(facts.unusual),
        _mixed(facts.mixed),
        _tried(facts),
    ]
    body = joined([one for one in parts if one.markup])
    if not body.markup:
        return EMPTY
    opening = paragraph(
        say(
            "What follows is of the answers of: {who}. It was fitted on tune, each subject alike, before the test part was "
            "opened.",
            who=label(facts.model),
        )
    )
    seen = paragraph(say("The part shown here is tune itself, on which it was fitted: what is measured is no proof."))
    return section(say("Uncertainty"), opening, seen if run.trusted.part == "tune" else EMPTY, body)


# ------------------------------------------------------------------------------------------------------------------------ sets


def _sets(run: Run, facts: UncertaintyFacts) -> Safe:
    if facts.sets is None:
        return EMPTY
    share = numbers.percent(facts.sets.coverage)
    said = say(
        "Beside each answer stand the classes that are still possible: sets that should hold the true class in at least {share} "
        "of the rows, {whom}, of a new subject drawn as those of tune were.",
        share=share,
        whom=say(FOR[facts.sets.by]),
    )
    everybody = [one for one in facts.covered if not one.group]
    grouped = [one for one in facts.covered if one.group]
    plain = {one.class_: one for one in facts.plain}
    rows = [[*_covered_row(one), _reach(facts.sets, one.class_), _share(plain.get(one.class_))] for one in everybody]
    head = [say("Class"), say("Rows"), say("Subjects"), say("Truth in the set"), say("Classes in a set")]
    head += [say("Another tune"), say("One limit for all")]
    caption = say(
        "How often the set held the truth, with {confidence} intervals by subject of this part. The promise is kept in the mean "
        "over all that tune could have been: for 95 of 100 draws of as many subjects the share lies within the limits under "
        "“another tune”, so a measured interval may miss the promise by chance. The last column is plain split conformal "
        "prediction, with one limit over all rows.",
        confidence=confidence(run),
    )
    return joined(
        [
            tag("h3", say("Sets of possible classes")),
            paragraph(said, " ", say(SURVIVES[facts.sets.by])),
            _always(facts.sets),
            table(head, rows, caption),
            _by_group(grouped, say("Class")),
            _sizes(facts.sizes),
        ]
    )


def _always(fitted: Sets) -> Safe:
    """The classes that had too few subjects for a limit."""
    named = [f"{one.class_} ({one.group})" if one.group else one.class_ for one in fitted.unlimited]
    if not named:
        return EMPTY
    fewest = min(one.subjects for one in fitted.unlimited)
    return paragraph(
        say(
            "Always in the set, since tune had too few of them for a limit (as few as {fewest} subjects): {classes}.",
            fewest=numbers.count(fewest),
            classes=", ".join(named),
        ),
        class_="warning",
    )


def _covered_row(one: Covered) -> list[Piece]:
    name = one.class_ or say("all")
    size = "–" if one.size is None else f"{one.size:.2f}"
    return [name, numbers.count(one.rows), numbers.count(one.subjects), _share(one), size]


def _reach(fitted: Sets, class_: str) -> str:
    """What limits from other subjects would have covered; of sets that are not by class it is not told."""
    for one in fitted.limits:
        if one.class_ == class_ and one.low is not None and fitted.by == "class":
            return f"{numbers.number(one.low)} – {numbers.number(one.high)}"
    return "–"


def _share(one: Covered | None) -> str:
    if one is None or one.share is None:
        return "–"
    limits = "" if one.low is None or one.high is None else f" [{numbers.number(one.low)}, {numbers.number(one.high)}]"
    return f"{numbers.number(one.share)}{limits}"


def _by_group(grouped: Sequence[Covered], first: str) -> Safe:
    if not grouped:
        return EMPTY
    rows: list[list[Piece]] = [
        [one.group, one.class_, numbers.count(one.rows), numbers.count(one.subjects), _grouped_share(one)] for one in grouped
    ]
    head = [say("Group"), first, say("Rows"), say("Subjects"), say("Truth in the set")]
    return folded(say("In each group"), table(head, rows))


def _grouped_share(one: Covered) -> Piece:
    return tag("em", say("suppressed")) if one.suppressed else _share(one)


def _sizes(sizes: dict[str, int]) -> Safe:
    total = sum(sizes.values())
    if not total:
        return EMPTY
    told = ", ".join(f"{size}: {numbers.percent(rows / total)}" for size, rows in sizes.items())
    empty = say(" A set of no class says that the row is unlike every class of tune.") if sizes.get("0") else ""
    return paragraph(say("Classes in a set, by share of the rows: {told}.", told=told), empty)


def _ranges(run: Run, facts: UncertaintyFacts) -> Safe:
    if facts.ranges is None:
        return EMPTY
    said = say(
        "Beside each value stands a range that should hold the truth in at least {share} of the rows of a new subject drawn as "
        "those of tune were. It is as wide for every row: where errors grow with the value, it is too narrow for the large "
        "ones.",
        share=numbers.percent(facts.ranges.coverage),
    )
    everybody = [one for one in facts.within if not one.group]
    head = [say("Quantity"), say("Rows"), say("Subjects"), say("Truth in the range"), say("Width")]
    return joined(
        [
            tag("h3", say("Ranges")),
            paragraph(said),
            table(head, [_covered_row(one) for one in everybody]),
            _by_group([one for one in facts.within if one.group], say("Quantity")),
        ]
    )


# ------------------------------------------------------------------------------------------------------------------ abstention


def _spread(one: Spread | None) -> Safe:
    if one is None:
        return EMPTY
    of = say("networks") if one.of == "members" else say("passes with parts of the network dropped")
    lines = [
        say(
            "Between {count} {of} the answers about a row lie apart by {median} in the median (standard deviation), and by less "
            "than {high} in nine rows of ten.",
            count=numbers.count(one.count),
            of=of,
            median=numbers.number(one.median),
            high=numbers.number(one.high),
        )
    ]
    if one.wrong is not None and one.right is not None:
        lines.append(
            say(
                "Where the decision was wrong the median is {wrong}, where it was right {right}.",
                wrong=numbers.number(one.wrong),
                right=numbers.number(one.right),
            )
        )
    lines.append(say("It is the part of the doubt that more training data could remove; what no model could know is not in it."))
    return joined([tag("h3", say("Spread between answers")), paragraph(" ".join(lines))])


def _unusual(one: Unusual | None) -> Safe:
    if one is None:
        return EMPTY
    rows: list[list[Piece]] = [
        [numbers.percent(float(share)), numbers.percent(found)] for share, found in sorted(one.shares.items(), key=_number)
    ]
    said = say(
        "Each input is compared with those of tune: by what the network makes of it, and by rules of quality. A foreign input "
        "need not be unusual in any of these ways."
    )
    held = (
        EMPTY
        if one.withheld is None
        else paragraph(
            say("{n} of {rows} rows are so unusual that they get no answer.", n=one.withheld, rows=numbers.count(one.rows))
        )
    )
    head = [say("As rare as the rarest of tune"), say("Rows of this part")]
    rules: list[list[Piece]] = [[_measure(name), numbers.count(count)] for name, count in one.rules.items()]
    return joined(
        [
            tag("h3", say("Unusual inputs")),
            paragraph(said),
            table(head, rows),
            table([say("Most unusual by"), say("Rows")], rules, say("Of the rarest twentieth.")),
            held,
        ]
    )


def _number(one: tuple[str, float]) -> float:
    return float(one[0])


def _measure(name: str) -> str:
    """The rule in words, with its input."""
    measure, _, input_ = name.partition(" in ")
    words = say(MEASURES[measure])
    return f"{words} ({input_})" if input_ else words


def _mixed(one: Mixed | None) -> Safe:
    if one is None:
        return EMPTY
    rows: list[list[Piece]] = [[name, numbers.percent(one.before[name]), numbers.percent(one.now[name])] for name in one.before]
    said = say(
        "Told from the answers alone, without labels, classes occur here as often as below, if risks mean what they say and "
        "patients of each class are as they were. One limit over all rows, weighed by that ({rows} effective rows of tune), "
        "holds the truth:",
        rows=numbers.count(round(one.effective)),
    )
    covered = table(
        [say("Class"), say("Rows"), say("Subjects"), say("Truth in the set"), say("Classes in a set")],
        [_covered_row(each) for each in one.covered],
    )
    head = [say("Class"), say("In tune"), say("Here")]
    return joined([tag("h3", say("Another mix of classes")), paragraph(said), covered, table(head, rows)])


# ----------------------------------------------------------------------------------------------------------------- calibration


def _tried(facts: UncertaintyFacts) -> Safe:
    if not facts.tried and not any(method in CANNOT for method in facts.calibration.values()):
        return EMPTY
    parts = [tag("h3", say("Calibration tried"))]
    for model, tried in facts.tried.items():
        head = [label(model), say("Log loss, cross-fitted"), say("Gain"), say("Standard error")]
        chosen = [str(one.method) for one in tried].index(facts.calibration[model])
        parts.append(
            table(head, [_tried_row(one) for one in tried], say("Fitted without a fifth of tune, judged on it."), chosen)
        )
    methods = dict.fromkeys(method for method in facts.calibration.values() if method in CANNOT)
    parts += [paragraph(say(CANNOT[method])) for method in methods]
    return joined(parts)


def _tried_row(one: Tried) -> list[Piece]:
    if one.log_loss is None:
        return [one.method, retold(one.reason), "–", "–"]
    return [
        one.method,
        f"{one.log_loss:.4f}",
        "–" if one.gain is None else f"{one.gain:+.4f}".replace("-", "−"),
        "–" if one.error is None else f"{one.error:.4f}",
    ]
