"""What of the past a study may still look at."""

from __future__ import annotations

import msgspec

from sequela import config
from sequela.bundle.bundle import history
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.monitoring.recording import END, START
from sequela.study import cohort as cohorts
from sequela.study import groups
from sequela.study.predicates import ANY_EVENT, Predicates
from sequela.study.records import Records, fits

EACH = "EACH//"


def followed(study: Study) -> Study:
    """The study as a monitor asks it: without an end to the rows of one subject.

    Raises ConfigError for one whose rows have no time.
    """
    if study.cohort.index == "SAMPLE":
        raise ConfigError("the study of this bundle has rows without time", hint="sequela predict answers for whole records")
    return msgspec.structs.replace(study, cohort=msgspec.structs.replace(study.cohort, max_rows_per_subject=None))


def every(study: Study) -> int:
    """Microseconds from one prediction to the next; 0 where each has a start of its own."""
    return config.microseconds(study.cohort.every) if study.cohort.every else 0


def reach(study: Study) -> int | None:
    """Microseconds before a prediction that still bear on it, its own start among them; None: everything may."""
    back = history(study)
    try:
        after = config.microseconds(study.cohort.predict_at)
    except ConfigError:  # a boundary of a window
        return None
    return None if back is None else max(back, after, 0)


def lasting(study: Study, records: Records) -> frozenset[str] | None:
    """The codes of events that are asked about however old they are; None: of all."""
    plan = study.cohort
    named = [window.start + window.end + " ".join(window.has) for window in plan.windows.values()]
    if any(ANY_EVENT in text for text in named):
        return None
    predicates = Predicates(records, plan.predicates, None, False)
    patterns = [exclusion.code or exclusion.when.split(" ")[0] for exclusion in plan.exclude]
    patterns += [group.code for group in map(groups.declared, plan.groups)]
    patterns += [] if plan.index.startswith(EACH) or not plan.index else [plan.index]
    told = {code for code, kind in records.kinds.items() if kind == "static" or any(fits(code, one) for one in patterns if one)}
    return frozenset(told | {START, END} | {code for name in plan.predicates for code in predicates.codes(name)})


def tags(study: Study) -> bool:
    """Whether the study asks about steps of its rows, not about the rows."""
    return cohorts.kind_of(study) == "tagging"
