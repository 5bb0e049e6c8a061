"""The least number of patients to develop a model with so many candidate parameters (Riley 2020, BMJ 368:m441, figures 1 to 4).

    shrinkage   its effects are expected to shrink by 10 % at most, so it hardly learns what is chance
    optimism    its Nagelkerke (or plain) R² looks better in development by 0.05 at most
    average     the average risk is known within 0.05, the average and the spread of a quantity within 10 %

The reasoning is for regression with so many coefficients, unpenalised. A network has more than its input has columns: what is
found here is a least number for it, not enough by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, log, sqrt

from msgspec import Struct
from scipy.stats import chi2, t

from sequela.errors import UsageError
from sequela.evaluate.size import variance

NORMAL = 1.96  # of a 95 % interval, as the papers have it
OPTIMISM = 0.05
MOST = 10**9  # patients beyond which nothing is sought
MARGIN = 1.1  # of the average and the spread of a quantity


class Needed(Struct, frozen=True, kw_only=True):
    """The rows that one criterion needs."""

    criterion: str
    rows: int


class Development(Struct, frozen=True, kw_only=True):
    """The least number of rows, each of another patient, and what it follows from."""

    rows: int
    needed: list[Needed]
    parameters: int
    explained: float  # R² that is anticipated: Cox-Snell, of a quantity the plain one
    most: float  # that it could be
    events: float | None = None  # among the rows
    events_per_parameter: float | None = None


def binary(prevalence: float, parameters: int, explained: float, shrinkage: float = 0.9) -> Development:
    """For a yes-or-no outcome; `explained` is the Cox-Snell R² that is anticipated (variance.from_c gives it from a C statistic).

    Raises UsageError for numbers that cannot be.

    >>> binary(0.174, 24, 0.288).rows
    662
    """
    largest = variance.most(prevalence)
    _can_be(parameters, explained, largest, shrinkage)
    needed = [
        Needed(criterion="shrinkage", rows=_shrunk(parameters, explained, shrinkage)),
        Needed(criterion="optimism", rows=_shrunk(parameters, explained, explained / (explained + OPTIMISM * largest))),
        Needed(criterion="average", rows=ceil((NORMAL / 0.05) ** 2 * prevalence * (1 - prevalence))),
    ]
    return _of(needed, parameters, explained, largest, prevalence)


def survival(
    rate: float, mean_follow_up: float, horizon: float, parameters: int, explained: float, shrinkage: float = 0.9
) -> Development:
    """For the time until an event that comes at `rate`; the times are all in one unit. Raises UsageError as `binary` does."""
    if min(rate, mean_follow_up, horizon) <= 0:
        raise UsageError("the rate, the mean follow-up and the horizon must be above 0")
    largest = variance.most_by_time(rate, mean_follow_up)
    _can_be(parameters, explained, largest, shrinkage)
    needed = [
        Needed(criterion="shrinkage", rows=_shrunk(parameters, explained, shrinkage)),
        Needed(criterion="optimism", rows=_shrunk(parameters, explained, explained / (explained + OPTIMISM * largest))),
        Needed(criterion="average", rows=_known_rate(rate, mean_follow_up, horizon)),
    ]
    return _of(needed, parameters, explained, largest, rate * mean_follow_up)


def continuous(mean: float, spread: float, parameters: int, explained: float, shrinkage: float = 0.9) -> Development:
    """For a quantity of that mean and standard deviation; `explained` is the R² that is anticipated. Raises as `binary` does."""
    _can_be(parameters, explained, 1.0, shrinkage)
    if spread <= 0 or mean == 0:
        raise UsageError("the spread of the quantity must be above 0, and its mean not 0")
    rows = fewest(parameters + 2, lambda rows: _expected_shrinkage(rows, parameters, explained) >= shrinkage)
    optimism = 1 + ceil(round(parameters * (1 - explained) / OPTIMISM, 6))
    first = [
        Needed(criterion="shrinkage", rows=rows),
        Needed(criterion="optimism", rows=optimism),
        Needed(criterion="spread", rows=_known_spread(parameters)),
    ]
    least = max(one.rows for one in first)
    average = Needed(criterion="average", rows=_known_mean(mean, spread, parameters, explained, least))
    return _of([*first, average], parameters, explained, 1.0, None)


def _of(needed: list[Needed], parameters: int, explained: float, most: float, share: float | None) -> Development:
    rows = max(one.rows for one in needed)
    events = None if share is None else rows * share
    each = None if events is None else events / parameters
    return Development(
        rows=rows,
        needed=needed,
        parameters=parameters,
        explained=explained,
        most=most,
        events=events,
        events_per_parameter=each,
    )


def _can_be(parameters: int, explained: float, most: float, shrinkage: float) -> None:
    if parameters < 1:
        raise UsageError(f"a model has at least one candidate parameter, not {parameters}")
    if not 0 < explained < most:
        raise UsageError(f"an R² of {explained:g} is anticipated, and here it lies between 0 and {most:.3g}")
    if not 0 < shrinkage < 1:
        raise UsageError(f"a shrinkage lies between 0 and 1, not at {shrinkage:g}")


def fewest(least: int, enough: Callable[[int], bool]) -> int:
    """The fewest rows, at least so many, that are enough, by halving. Raises UsageError where MOST are not."""
    if enough(least):
        return least
    low, high = least, 2 * least
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST:
            raise UsageError(f"more than {MOST:.0e} patients would be needed", hint="are the mean and the spread in one unit?")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _shrunk(parameters: int, explained: float, shrinkage: float) -> int:
    """Rows at which effects shrink by that factor (Riley 2019, Stat Med 38:1276, equation 11)."""
    if explained >= shrinkage:
        raise UsageError(f"a shrinkage of {shrinkage:g} is asked for, which an R² of {explained:g} is not below")
    return ceil(parameters / ((shrinkage - 1) * log(1 - explained / shrinkage)))


def _expected_shrinkage(rows: int, parameters: int, explained: float) -> float:
    """Of a linear regression (Riley 2019, Stat Med 38:1262, equation 9)."""
    apparent = (explained * (rows - parameters - 1) + parameters) / (rows - 1)
    return 1 + (parameters - 2) / (rows * log(1 - apparent))


def _known_spread(parameters: int) -> int:
    """Rows that tell the residual standard deviation within 10 %."""
    return fewest(parameters + 2, lambda rows: _spread_margin(rows - parameters - 1) <= MARGIN)


def _spread_margin(freedom: int) -> float:
    return float(sqrt(max(freedom / chi2.ppf(0.025, freedom), chi2.ppf(0.975, freedom) / freedom)))


def _known_mean(mean: float, spread: float, parameters: int, explained: float, least: int) -> int:
    """Rows, at least so many, that tell the mean within 10 % where the predictors are at theirs."""

    def known(rows: int) -> bool:
        return bool(t.ppf(0.975, rows - parameters - 1) * spread * sqrt((1 - explained) / rows) <= (MARGIN - 1) * abs(mean))

    return fewest(least, known)


def _known_rate(rate: float, mean_follow_up: float, horizon: float) -> int:
    """Rows that tell the share with the event by the horizon within 0.05."""
    return fewest(1, lambda rows: _margin(rows, rate, mean_follow_up, horizon) <= 0.05)


def _margin(rows: int, rate: float, mean_follow_up: float, horizon: float) -> float:
    highest = rate + NORMAL * sqrt(rate / (mean_follow_up * rows))
    return exp(-rate * horizon) - exp(-highest * horizon)
