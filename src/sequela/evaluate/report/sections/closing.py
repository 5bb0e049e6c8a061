"""What only a person can say, left visibly blank; the environment; the words used."""

from __future__ import annotations

from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import Piece, Safe, folded, paragraph, section, table, tag
from sequela.evaluate.report.run import Run

FOR_PEOPLE = (
    ("Intended use, user and place in the pathway", "Who would act on this, when, and what they would do otherwise."),
    ("Known inequalities in how the outcome or its care came about", "Including how the records were collected."),
    ("Treatments received between the prediction and the outcome", "They can hide or create events."),
    ("Clinical validity of the outcome as coded", "Whether the code means what the question asks."),
    ("Range of thresholds at which a clinician would act", "Only there does the decision curve matter."),
    ("Review of the model's errors by clinicians", "Cases that were missed, false alarms that would do harm."),
    ("Limits and interpretation", "To whom and where these results do not apply."),
    ("Ethics approval, funding, registration", ""),
    ("Name, role, date, signature", ""),
)
GLOSSARY = (
    ("AUROC", "The chance that a row with the event is given a higher risk than one without. 0.5 is chance, 1 is perfect."),
    ("AUPRC", "Precision averaged over all shares of events found. Chance is the prevalence."),
    ("Sensitivity", "The share of events that are called."),
    ("Specificity", "The share of rows without the event that are not called."),
    (
        "PPV, NPV",
        "The share of calls that are events; the share of rows not called that have none. Both depend on the prevalence.",
    ),
    ("LR+, LR−", "What a call, or no call, multiplies the odds of the event by."),
    ("F1, macro-F1", "The harmonic mean of sensitivity and PPV; its mean over the classes."),
    ("Brier score", "The mean squared distance of risk from outcome; 0 is perfect."),
    ("Calibration intercept, slope", "Below 0: risks too high on average. Below 1: risks too extreme."),
    ("Observed / expected", "Events that occurred for each that the risks foresaw."),
    ("ECE", "The mean gap between risk and outcome over ten bins."),
    ("Net benefit", "Events found a row, less false alarms weighed by the odds of the threshold."),
    (
        "95 % interval",
        "Where the value would lie in 95 of 100 like samples of subjects; it knows nothing of other hospitals or years.",
    ),
    ("Baseline", "A plain model on summaries of the same inputs, tuned on the same rows."),
    ("Train, tune, test", "Rows to learn from; rows to choose on; rows kept shut until every choice was made."),
)
QUANTITIES = (
    ("MAE, RMSE", "The mean absolute error, and the root of the mean squared one, in the unit of the quantity."),
    ("R²", "The share of the variance explained; 0 is the mean, below 0 is worse than it."),
    ("MASE", "The error over that of repeating the last value; below 1 is better than it."),
)
CODES = (
    (
        "Perplexity",
        "How many codes the next one is in doubt between: 1 is certainty, the size of the vocabulary is a guess.",
    ),
    (
        "Accuracy of the next code",
        "The share of next codes that the model thought likeliest; in the first 10, of its ten likeliest.",
    ),
)
BOXES = (
    ("AP50", "Precision averaged over 101 shares of things found, a box counting where it overlaps the thing by half or more."),
    ("AP", "The mean of that over least overlaps of .50, .55, …, .95, as COCO has it: how exactly boxes lie."),
    ("FROC", "The mean share found at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false boxes a picture."),
    ("Sensitivity, PPV, F1", "Of the boxes called: the share of things found, the share that are true, and their harmonic mean."),
    ("Count", "How far the number of boxes called is from the number there, and by how much it is too high on average."),
)
AHEAD = (
    ("MAE, RMSE", "The mean distance from what came, and the root of its mean square, in the unit of the target."),
    ("MASE", "MAE in units of how much the quantity changes from one time to the next in the training rows; below 1 is less."),
    ("Quantile", "The value below which what comes should lie in that share of cases."),
    ("Pinball loss", "How far quantiles lie from what came, each weighed by its level; it rewards narrow intervals that hold."),
    ("Coverage", "The share of what came that lies in the interval: best where it is what the interval promises."),
)
MASKS = (
    (
        "Dice, IoU",
        "What is both said and true, twice, over the sizes of both; and over the size of what is either.",
    ),
    ("HD95", "The distance within which 95 % of each surface lies of the other, in millimetres where the spacing is known."),
    ("Surface Dice", "The share of both surfaces that lies within the tolerance of the other."),
    ("Lesions", "Connected parts of what was marked: the share that is touched, and those said where there is none."),
    ("F1 of instances", "Things matched one to one above an overlap of one half: harmonic mean of the shares found and true."),
    ("Sensitivity, specificity, PPV", "Shares of all points, whatever picture they are of."),
)


ENTITIES = (
    (
        "PPV, sensitivity",
        "Of entities: the share of those said that are right, and of the true ones that are found. Precision, recall.",
    ),
    ("Entity F1", "The harmonic mean of both, an entity being right where type and both boundaries are (conlleval)."),
    ("Entity F1, partial", "The same where sharing a character with a true one of the type is enough."),
)

TIMES = (
    (
        "C-index",
        "Of two rows, the chance that the one whose event came first ranked higher (Harrell): by the time expected to be lost up "
        "to the last horizon, or at a horizon by the risk by it. 0.5 is chance.",
    ),
    ("Uno's C", "The same as it would be had nobody been lost, up to the last horizon."),
    ("Time-dependent C", "The same with both risks taken by the time of the event (Antolini), so curves that cross are judged."),
    ("AUC by a horizon", "The chance that a row with the event by then had a higher risk than one without."),
    ("Brier score", "The mean squared distance of risk from what had come by the horizon; integrated, its mean over all days."),
    ("Observed / expected", "The share to which the event had come (Aalen-Johansen), for each that the risks foresaw."),
    ("Cause, cumulative incidence", "One of several events of which the first counts; the share to which it had come by a time."),
    ("Lost, censored", "No event was seen while the row was watched; what became of it later is not known."),
)

PAIRS = (
    (
        "Pair, separation",
        "Two places of a sequence that belong together; how many letters the second is behind the first.",
    ),
    (
        "Precision at L/5, L/2, L",
        "Of so many likeliest pairs of a sequence of L letters, the share that is true; mean over rows.",
    ),
    ("AUPRC of pairs", "Precision averaged over all true pairs of a row, those not told counting 0; mean over rows."),
    (
        "Short, medium, long range",
        "Pairs 6 to 11, 12 to 23, and 24 or more letters apart, as those of proteins are judged (CASP).",
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
    notes = paragraph(tag("strong", "Noted in the study. "), run.study.notes) if run.study.notes else Safe("")
    blanks = [
        tag("div", tag("h3", title), paragraph(hint, class_="hint"), tag("div", class_="blank")) for title, hint in FOR_PEOPLE
    ]
    said = paragraph("The software cannot answer these. Until a person does, they are open, and the report is not complete.")
    return section("Limits, and what only a person can say", notes, said, tag("div", *blanks, class_="blanks"))


def environment(run: Run) -> Safe:
    """Versions, machine and hashes: what it takes to do this again."""
    facts = run.facts
    stated = {
        "Sequela": facts.version + (f" (commit {facts.commit[:12]})" if facts.commit else ""),
        "Date": facts.date,
        "Seed": str(facts.seed),
        **facts.machine,
        **{f"{name} (version)": version for name, version in facts.versions.items()},
        **{f"{name} (SHA-256)": digest for name, digest in facts.hashes.items()},
    }
    rows: list[list[Piece]] = [[name, value] for name, value in stated.items()]
    return section("Environment and hashes", table(["", ""], rows), _study(run))


def _study(run: Run) -> Safe:
    from sequela import config

    return folded("The study as it ran, with every default", tag("pre", config.dump(run.study)))


def undefined(run: Run) -> Safe:
    """Numbers that could not be given, with the reason."""
    rows: list[list[Piece]] = [
        [f"{row.model} {numbers.name(row.metric)}", " ".join(filter(None, [row.class_, row.group])) or "all", row.reason]
        for row in run.rows
        if row.reason and not row.reason.startswith("suppressed") and not row.against
    ]
    if not rows:
        return Safe("")
    return folded(f"{len(rows)} numbers are undefined, or were given with a reservation", table(["Number", "Of", "Why"], rows))


def glossary(run: Run) -> Safe:
    own = OWN.get(run.kind)
    words = GLOSSARY if own is None else (*own, *GLOSSARY[-3:])
    pieces = [piece for word, meaning in words for piece in (tag("dt", word), tag("dd", meaning))]
    return section("Words used", tag("dl", *pieces))
