"""Events by name: the predicates of a study, each the moments at which it holds.

A predicate of codes holds at each of its events and counts events. One made of others (`any`, `all`), and `any_event`, holds at
moments and counts those: two events of one moment are one. So does ACES (Xu et al., ICLR 2025), whose predicates these are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from sequela import config
from sequela.codes import hierarchy
from sequela.codes.phenotypes import phenotypes
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import cut
from sequela.study.cut import ALWAYS, NEVER, Timeline
from sequela.study.records import Records, fits

ANY_EVENT = "any_event"  # every moment of the record
RESERVED = frozenset({"trigger", "prediction", "start", "end", ANY_EVENT})
COLUMNS = ("subject_id", "time", "code", "numeric_value", "text_value", "visit", "available", "superseded")

_NAME = re.compile(r"^[A-Za-z_]\w*$")
_REGULAR = re.compile(r"^/(.+)/$")


@dataclass(frozen=True)
class Predicates:
    """The predicates of a study over the records of some subjects (None: all), read once, when first asked for.

    strict: a predicate whose codes the data does not have is an error (unless it is `optional`), not an event that never happens.
    """

    store: Records
    plan: Mapping[str, config.Predicate]
    subjects: Sequence[int] | None = None
    strict: bool = True
    _laid: dict[str, Timeline] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, predicate in self.plan.items():
            _check(name, predicate, self.plan)

    def events(self, name: str) -> pl.DataFrame:
        """The events (or moments) of a predicate with the columns of COLUMNS, by subject, then time, those without time first.

        Raises ConfigError for a predicate that the study does not declare, DataError for one that the data cannot tell.
        """
        if name == ANY_EVENT:
            return _moments([self._record], 1)
        if name not in self.plan:
            raise ConfigError(f"no predicate is called {name!r}", hint=nearest(name, [*self.plan, ANY_EVENT]))
        predicate = self.plan[name]
        if inner := predicate.any or predicate.all:
            return _moments([self.events(one) for one in inner], len(predicate.all) or 1)
        return self._read.filter(pl.col("code").is_in(self._codes[name]), *_conditions(name, predicate))

    def line(self, name: str) -> Timeline:
        """The same laid out by subject, once."""
        if name not in self._laid:
            self._laid[name] = cut.timeline(self.events(name))
        return self._laid[name]

    def codes(self, name: str) -> list[str]:
        """The codes that the predicate may be told by, sorted."""
        predicate = self.plan[name]
        inner = [*predicate.any, *predicate.all]
        return sorted({code for one in inner for code in self.codes(one)}) if inner else self._codes[name]

    @cached_property
    def bounds(self) -> Timeline:
        """Every timed event of the subjects: where their records begin and end."""
        return cut.timeline(self._record.select("subject_id", "time").drop_nulls("time"))

    @cached_property
    def _record(self) -> pl.DataFrame:
        return self.store.events(None, self.subjects).select("subject_id", "time", "visit", "available", "superseded")

    @cached_property
    def _read(self) -> pl.DataFrame:
        wanted = sorted({code for codes in self._codes.values() for code in codes})
        return self.store.events(wanted, self.subjects).select(COLUMNS)

    @cached_property
    def _codes(self) -> dict[str, list[str]]:
        """Of each predicate that is not made of others."""
        plain = {name: one for name, one in self.plan.items() if not (one.any or one.all)}
        return {name: self._matching(name, one) for name, one in plain.items()}

    def _matching(self, name: str, predicate: config.Predicate) -> list[str]:
        known = self.store.codes["code"]
        found = matching(known, listed(predicate.code), f"the predicate {name!r}") | self._under(listed(predicate.under))
        if predicate.phenotype:
            return sorted(found | (_phenotype(predicate.phenotype, name) & set(known)))
        if not found and self.strict and not predicate.optional:
            asked = [*listed(predicate.code), *listed(predicate.under)]
            raise DataError(
                f"the data has no event for the predicate {name!r} ({', '.join(asked[:3])}{', …' if len(asked) > 3 else ''})",
                hint=f"{nearest(asked[0], known.to_list())}; optional = true lets it be absent",
            )
        return sorted(found)

    def _under(self, roots: Sequence[str]) -> set[str]:
        return set(self.broader.filter(pl.col("broader").is_in(roots))["code"]) if roots else set()

    @cached_property
    def broader(self) -> pl.DataFrame:
        """code, broader: see `broader`."""
        return broader(self.store.codes)


def _moments(each: Sequence[pl.DataFrame], least: int) -> pl.DataFrame:
    """The moments at which at least so many of the predicates hold, each predicate given by its events.

    A moment stands once for each stretch of time in which it is known that so many of them hold.
    """
    held = pl.concat([_stretches(events.select(_STRETCH), 1) for events in each])
    found = _stretches(held, least).sort("subject_id", "time", "since", nulls_last=False)
    return found.select(
        "subject_id",
        "time",
        *(pl.lit(None, kind).alias(name) for name, kind in _BARE.items()),
        "visit",
        *(_time(name).alias(column) for column, name in (("available", "since"), ("superseded", "until"))),
    ).select(COLUMNS)


_STRETCH = (
    "subject_id",
    "time",
    "visit",
    pl.max_horizontal("time", "available").dt.timestamp("us").fill_null(NEVER).alias("since"),
    pl.col("superseded").dt.timestamp("us").fill_null(ALWAYS).alias("until"),
)  # of an event: from when to when it is known
_BARE: Mapping[str, pl.DataType] = {"code": pl.String(), "numeric_value": pl.Float32(), "text_value": pl.String()}
_MOMENT = ("subject_id", "time")


def _stretches(held: pl.DataFrame, least: int) -> pl.DataFrame:
    """The stretches in which at least so many of those of a moment overlap: apart from each other, in order."""
    if not (held["until"] != ALWAYS).any():
        nth = pl.col("since").sort().get(least - 1, null_on_oob=True)
        return held.group_by(_MOMENT).agg(pl.col("visit").max(), nth, pl.col("until").max()).filter(pl.col("since").is_not_null())
    held = held.filter(pl.col("since") < pl.col("until"))  # one that was replaced before it was available was never known
    ends = [held.select(*_MOMENT, "visit", at=at, change=pl.lit(change)) for at, change in (("since", 1), ("until", -1))]
    steps = pl.concat(ends).group_by(*_MOMENT, "at").agg(pl.col("visit").max(), pl.col("change").sum()).sort(*_MOMENT, "at")
    holds = (pl.col("change").cum_sum() >= least).over(_MOMENT)
    turns = steps.with_columns(visit=pl.col("visit").max().over(_MOMENT), holds=holds)
    turns = turns.filter(pl.col("holds") != pl.col("holds").shift(1, fill_value=False).over(_MOMENT))
    until = pl.col("at").shift(-1, fill_value=ALWAYS).over(_MOMENT)
    return turns.with_columns(until=until).filter("holds").select(*_MOMENT, "visit", since="at", until="until")


def _time(column: str) -> pl.Expr:
    """Microseconds as a time, null where they are none."""
    there = pl.when(~pl.col(column).is_in([NEVER, ALWAYS])).then(pl.col(column))
    return there.cast(pl.Datetime("us"))


def _phenotype(named: str, predicate: str) -> frozenset[str]:
    known = {phenotype.name: phenotype.codes for phenotype in phenotypes()}
    if named not in known:
        raise ConfigError(f"the predicate {predicate!r}: no phenotype is called {named!r}", hint=nearest(named, list(known)))
    return known[named]


def listed(given: str | list[str]) -> list[str]:
    """One or several, as several."""
    return [given] if isinstance(given, str) and given else list(given)


def matching(known: pl.Series, patterns: Sequence[str], where: str) -> set[str]:
    """Those of the known codes (or texts) that are one of the patterns, fit its * at either end, or its /regular expression/.

    Raises ConfigError for a regular expression that is none.
    """
    found: set[str] = set()
    for pattern in patterns:
        if regular := _REGULAR.match(pattern):
            found |= set(known.filter(_searched(known, regular[1], where)))
        elif "*" in pattern:
            found |= {one for one in known if fits(one, pattern)}
        elif pattern in known:
            found.add(pattern)
    return found


def _searched(known: pl.Series, regular: str, where: str) -> pl.Series:
    try:
        return known.str.contains(regular)
    except pl.exceptions.ComputeError as error:
        raise ConfigError(
            f"{where}: {regular!r} is not a regular expression", hint="the syntax is that of Rust's regex"
        ) from error


def broader(codes: pl.DataFrame) -> pl.DataFrame:
    """code, broader: each code of a store beside itself and every broader one, of its own system or as the store says."""
    own = dict(codes.select("code", "parent_codes").iter_rows())
    pairs = [(code, one) for code in own for one in (code, *hierarchy.ancestors(code, lambda c: own.get(c) or ()))]
    return pl.DataFrame(pairs, schema={"code": pl.String, "broader": pl.String}, orient="row")


def _conditions(name: str, predicate: config.Predicate) -> Iterator[pl.Expr]:
    value, low, high = pl.col("numeric_value"), predicate.value_min, predicate.value_max
    if low is not None or high is not None:
        yield value.is_not_nan()  # a missing number fits no range: null is filtered out, NaN would be above all
    if low is not None:
        yield value >= low if predicate.value_min_inclusive else value > low
    if high is not None:
        yield value <= high if predicate.value_max_inclusive else value < high
    if predicate.text:
        yield _text(listed(predicate.text), f"the predicate {name!r}")


def _text(patterns: Sequence[str], where: str) -> pl.Expr:
    return (
        pl.col("text_value")
        .cast(pl.String)
        .map_batches(
            lambda found: found.is_in(sorted(matching(found.drop_nulls().unique(), patterns, where))), return_dtype=pl.Boolean
        )
    )


# ---------------------------------------------------------------------------------------------------------------------- checks


def _check(name: str, predicate: config.Predicate, plan: Mapping[str, config.Predicate]) -> None:
    if not _NAME.match(name) or name in RESERVED:
        raise ConfigError(
            f"a predicate cannot be called {name!r}", hint=f"letters, digits and _; not {', '.join(sorted(RESERVED))}"
        )
    ways = [bool(predicate.code or predicate.under or predicate.phenotype), bool(predicate.any), bool(predicate.all)]
    if sum(ways) != 1:
        raise ConfigError(f"the predicate {name!r} needs one of: code, under or phenotype; any; all")
    if not ways[0] and predicate != config.Predicate(any=predicate.any, all=predicate.all):
        raise ConfigError(f"the predicate {name!r} is made of others: it has no value, text or optional of its own")
    for inner in (*predicate.any, *predicate.all):
        _check_inner(name, inner, plan)


def _check_inner(name: str, inner: str, plan: Mapping[str, config.Predicate], above: tuple[str, ...] = ()) -> None:
    if inner not in plan:
        raise ConfigError(f"the predicate {name!r} is made of {inner!r}, which is none", hint=nearest(inner, list(plan)))
    if inner in (name, *above):
        raise ConfigError(f"the predicate {name!r} is made of itself")
    for further in (*plan[inner].any, *plan[inner].all):
        _check_inner(name, further, plan, (*above, inner))
