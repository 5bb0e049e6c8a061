"""What only a person can say, left visibly blank; the environment; the words used."""

from __future__ import annotations

from sequela.evaluate.report import evidence, numbers
from sequela.evaluate.report.html import Piece, Safe, folded, paragraph, section, table, tag
from sequela.evaluate.report.items import HUMAN, Item
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, retold, say

GLOSSARY = (
    (
        later("AUROC"),
        later("The chance that a row with the event is given a higher risk than one without. 0.5 is chance, 1 is perfect."),
    ),
    (later("AUPRC"), later("Precision averaged over all shares of events found. Chance is the prevalence.")),
    (later("Sensitivity"), later("The share of events that are called.")),
    (later("Specificity"), later("The share of rows without the event that are not called.")),
    (
        later("PPV, NPV"),
        later("The share of calls that are events; the share of rows not called that have none. Both depend on the prevalence."),
    ),
    (later("LR+, LR−"), later("What a call, or no call, multiplies the odds of the event by.")),
    (later("F1, macro-F1"), later("The harmonic mean of sensitivity and PPV; its mean over the classes.")),
    (later("Brier score"), later("The mean squared distance of risk from outcome; 0 is perfect.")),
    (later("Calibration intercept, slope"), later("Below 0: risks too high on average. Below 1: risks too extreme.")),
    (later("Observed / expected"), later("Events that occurred for each that the risks foresaw.")),
    (later("ECE"), later("The mean gap between risk and outcome over ten bins.")),
    (later("Net benefit"), later("Events found a row, less false alarms weighed by the odds of the threshold.")),
    (
        later("95 % interval"),
        later(
            "Made so that it holds the true value in 95 of 100 like samples of subjects; it knows nothing of other hospitals "
            "or years."
        ),
    ),
    (later("Baseline"), later("A plain model on summaries of the same inputs, tuned on the same rows.")),
    (later("Train, tune, test"), later("Rows to learn from; rows to choose on; rows kept shut until every choice was made.")),
)
QUANTITIES = (
    (later("MAE, RMSE"), later("The mean absolute error, and the root of the mean squared one, in the unit of the quantity.")),
    (later("R²"), later("The share of the variance explained; 0 is the mean, below 0 is worse than it.")),
    (later("MASE"), later("The error over that of repeating the last value; below 1 is better than it.")),
)
CODES = (
    (
        later("Perplexity"),
        later("How many codes the next one is in doubt between: 1 is certainty, the size of the vocabulary is a guess."),
    ),
    (
        later("Accuracy of the next code"),
        later("The share of next codes that the model thought likeliest; in the first 10, of its ten likeliest."),
    ),
)
BOXES = (
    (
        later("AP50"),
        later("Precision averaged over 101 shares of things found, a box counting where it overlaps the thing by half or more."),
    ),
    (later("AP"), later("The mean of that over least overlaps of .50, .55, …, .95, as COCO has it: how exactly boxes lie.")),
    (later("FROC"), later("The mean share found at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false boxes a picture.")),
    (
        later("Sensitivity, PPV, F1"),
        later("Of the boxes called: the share of things found, the share that are true, and their harmonic mean."),
    ),
    (
        later("Count"),
        later("How far the number of boxes called is from the number there, and by how much it is too high on average."),
    ),
)
AHEAD = (
    (later("MAE, RMSE"), later("The mean distance from what came, and the root of its mean square, in the unit of the target.")),
    (
        later("MASE"),
        later("MAE in units of how much the quantity changes from one time to the next in the training rows; below 1 is less."),
    ),
    (later("Quantile"), later("The value below which what comes should lie in that share of cases.")),
    (
        later("Pinball loss"),
        later("How far quantiles lie from what came, each weighed by its level; it rewards narrow intervals that hold."),
    ),
    (later("Coverage"), later("The share of what came that lies in the interval: best where it is what the interval promises.")),
)
MASKS = (
    (
        later("Dice, IoU"),
        later("What is both said and true, twice, over the sizes of both; and over the size of what is either."),
    ),
    (
        later("HD95"),
        later("The distance within which 95 % of each surface lies of the other, in millimetres where the spacing is known."),
    ),
    (later("Surface Dice"), later("The share of both surfaces that lies within the tolerance of the other.")),
    (
        later("Lesions"),
        later("Connected parts of what was marked: the share that is touched, and those said where there is none."),
    ),
    (
        later("F1 of instances"),
        later("Things matched one to one above an overlap of one half: harmonic mean of the shares found and true."),
    ),
    (later("Sensitivity, specificity, PPV"), later("Shares of all points, whatever picture they are of.")),
)


ENTITIES = (
    (
        later("PPV, sensitivity"),
        later("Of entities: the share of those said that are right, and of the true ones that are found. Precision, recall."),
    ),
    (
        later("Entity F1"),
        later("The harmonic mean of both, an entity being right where type and both boundaries are (conlleval)."),
    ),
    (later("Entity F1, partial"), later("The same where sharing a character with a true one of the type is enough.")),
)

TIMES = (
    (
        later("C-index"),
        later(
            "Of two rows, the chance that the one whose event came first ranked higher (Harrell): by the time expected to be "
            "lost up to the last horizon, or at a horizon by the risk by it. 0.5 is chance."
        ),
    ),
    (later("Uno's C"), later("The same as it would be had nobody been lost, up to the last horizon.")),
    (
        later("Time-dependent C"),
        later("The same with both risks taken by the time of the event (Antolini), so curves that cross are judged."),
    ),
    (later("AUC by a horizon"), later("The chance that a row with the event by then had a higher risk than one without.")),
    (
        later("Brier score"),
        later("The mean squared distance of risk from what had come by the horizon; integrated, its mean over all days."),
    ),
    (
        later("Observed / expected"),
        later("The share to which the event had come (Aalen-Johansen), for each that the risks foresaw."),
    ),
    (
        later("Cause, cumulative incidence"),
        later("One of several events of which the first counts; the share to which it had come by a time."),
    ),
    (later("Lost, censored"), later("No event was seen while the row was watched; what became of it later is not known.")),
)

PAIRS = (
    (
        later("Pair, separation"),
        later("Two places of a sequence that belong together; how many letters the second is behind the first."),
    ),
    (
        later("Precision at L/5, L/2, L"),
        later("Of so many likeliest pairs of a sequence of L letters, the share that is true; mean over rows."),
    ),
    (
        later("AUPRC of pairs"),
        later("Precision averaged over all true pairs of a row, those not told counting 0; mean over rows."),
    ),
    (
        later("Short, medium, long range"),
        later("Pairs 6 to 11, 12 to 23, and 24 or more letters apart, as those of proteins are judged (CASP)."),
    ),
)

OWN = {
    "regression": QUANTITIES,
    "forecast": AHEAD,
    "next_event": CODES,
    "detect": BOXES,
    "segment": MASKS,
    "entities": ENTITIES,
    "survival": TIMES,
    "contact": PAIRS,
}


def limits(run: Run) -> Safe:
    """What the study notes, and blanks for what only a person can answer."""
    notes = paragraph(tag("strong", say("Noted in the study. ")), run.study.notes) if run.study.notes else Safe("")
    blanks = [_of_people(run, item) for item in HUMAN]
    said = paragraph(say("The software cannot answer these. Until a person does, they are open, and the report is not complete."))
    return section(say("Limits, and what only a person can say"), notes, said, tag("div", *blanks, class_="blanks"))


def _of_people(run: Run, item: Item) -> Safe:
    """What a person said; or room for it on paper."""
    said = evidence.statement(run, item)
    title = tag("h3", say(item.title), id=f"of-{item.name}")
    if said:
        return tag("div", title, paragraph(said))
    return tag("div", title, paragraph(say(item.hint) if item.hint else "", class_="hint"), tag("div", class_="blank"))


def environment(run: Run) -> Safe:
    """Versions, machine and hashes: what it takes to do this again."""
    facts = run.facts
    stated = {
        "Sequela": facts.version + (say(" (commit {commit})", commit=facts.commit[:12]) if facts.commit else ""),
        say("Date"): facts.date,
        say("Seed"): str(facts.seed),
        **{say(name): value for name, value in facts.machine.items()},
        **{say("{name} (version)", name=name): version for name, version in facts.versions.items()},
        **{say("{name} (SHA-256)", name=name): digest for name, digest in facts.hashes.items()},
    }
    rows: list[list[Piece]] = [[name, value] for name, value in stated.items()]
    return section(say("Environment and hashes"), table(["", ""], rows), _study(run))


def _study(run: Run) -> Safe:
    from sequela import config

    return folded(say("The study as it ran, with every default"), tag("pre", config.dump(run.study)))


def undefined(run: Run) -> Safe:
    """Numbers that could not be given, with the reason."""
    rows: list[list[Piece]] = [
        [
            f"{row.model} {numbers.name(row.metric)}",
            " ".join(filter(None, [row.class_, row.group])) or say("all"),
            retold(row.reason),
        ]
        for row in run.rows
        if row.reason and not row.reason.startswith("suppressed") and not row.against
    ]
    if not rows:
        return Safe("")
    told = table([say("Number"), say("Of"), say("Why")], rows)
    return folded(say("{count} numbers are undefined, or were given with a reservation", count=len(rows)), told)


def glossary(run: Run) -> Safe:
    own = OWN.get(run.kind)
    words = GLOSSARY if own is None else (*own, *GLOSSARY[-3:])
    pieces = [piece for word, meaning in words for piece in (tag("dt", say(word)), tag("dd", say(meaning)))]
    return section(say("Words used"), tag("dl", *pieces))
