"""How far the curves of `studies/competing_risks.toml` are from the truth of its simulated rows.

    python bench/competing_risks.py --anew TABLE     # the simulated rows, censored anew, for studies/competing_risks_anew.toml
    python bench/competing_risks.py NAME=RUN...      # finished runs of the two studies

The published rows are censored at a share of their own time to the event, drawn evenly: who is censored early would have had it
early, so that whoever takes censoring to tell nothing is led astray, Aalen and Johansen's curve of all rows first (how far it is
off stands among the numbers). Censored anew, at times that depend on nothing, the same rows can be judged.

A study sees no column of the truth. The rows
were drawn as Lee 2018 (section 5) says: the time to cause k is exponential with mean (g3 x3)^2 + gk xk, where that is above 0, on
three blocks of four features; what the paper leaves open are the numbers g, and that rows whose times pass 200 were dropped. The
12 numbers are found by maximum likelihood from the uncensored times of rows that are not tested, and the law is checked on those
that are: its chances beside what came, by tenths. The truth of a row is its cumulative incidence under that law.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
import torch
from harness import measure, record
from torch import Tensor
from torch.nn.functional import softplus

from sequela.baselines import _incidence
from sequela.types import Horizon, Times

SOURCE = "survival/synthetic_comprisk_deephit.csv"
NAMES = ("first", "second")
LAW = ("law_shared", "law_first", "law_second")
LONGEST = 200.0  # rows with a later time of either cause are not among the data
START = (1.0, 1.0, 5.0, 5.0, *[5.0] * 8, 1.0)  # of the search: g3, g1, g2, and how sharply means are held above 0
LEAST = 0.02  # of a mean
DAYS = np.arange(2, 61, 2)  # that curves are compared on
CENSORED_AFTER = 30.0  # days, on average
CHECKED = (6, 20, 60)  # of DAYS: where the law is held against what came
GOAL = 0.03
TENTHS = 10


def rates(features: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Of the two causes, a day: "N" each."""
    shared = (features[:, :4] @ numbers[:4]).square()
    sharp = numbers[12].exp()
    first, second = (shared + features[:, at : at + 4] @ numbers[at : at + 4] for at in (4, 8))
    return 1 / (softplus(first * sharp) / sharp + LEAST), 1 / (softplus(second * sharp) / sharp + LEAST)


def incidence(own: Tensor, other: Tensor, day: Tensor | float) -> Tensor:
    """The chance that the cause of rate `own` came first, and by the day, among rows both of whose times are below LONGEST."""
    both, day = own + other, torch.as_tensor(day, dtype=own.dtype)
    first = own / both * -torch.expm1(-both * day)
    dropped = torch.exp(-other * LONGEST) * -torch.expm1(-own * day)
    return (first - dropped) / (torch.expm1(-own * LONGEST) * torch.expm1(-other * LONGEST))


def fitted(features: Tensor, time: Tensor, first: Tensor) -> Tensor:
    """The numbers of the law by maximum likelihood; a time of k stands for k - 1/2 to k + 1/2."""
    numbers = torch.tensor(START, dtype=features.dtype, requires_grad=True)
    search = torch.optim.LBFGS([numbers], max_iter=80, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        one, two = rates(features, numbers)
        own, other = torch.where(first, one, two), torch.where(first, two, one)
        chance = incidence(own, other, time + 0.5) - incidence(own, other, (time - 0.5).clamp(min=0))
        found = -chance.clamp(min=1e-12).log().mean()
        found.backward()
        return found

    search.step(loss)
    return numbers.detach()


def truth(features: Tensor, numbers: Tensor) -> np.ndarray:
    """ "N 2 D": of each row the share to which each cause has come by each of DAYS. A time of k is read as k + 1/2."""
    one, two = rates(features, numbers)
    found = [torch.stack([incidence(one, two, day - 0.5), incidence(two, one, day - 0.5)], 1) for day in DAYS.tolist()]
    return torch.stack(found, 2).numpy()


def off_by_tenths(true: np.ndarray, table: pl.DataFrame) -> float:
    """How far the law is from what came, in the mean over tenths of like chance, both causes and CHECKED."""
    when, cause = table["true_time"].to_numpy() + 0.5, table["true_label"].to_numpy()
    found = []
    for day in CHECKED:
        for k in (1, 2):
            chance, came = true[:, k - 1, int(np.searchsorted(DAYS, day))], (cause == k) & (when <= day)
            found += [abs(chance[rows].mean() - came[rows].mean()) for rows in np.array_split(np.argsort(chance), TENTHS)]
    return float(np.mean(found))


def answered(frame: pl.DataFrame) -> np.ndarray:
    """ "N 2 D": of each row what was foreseen by each of DAYS."""
    grid = np.concatenate([[0.0], frame["days"][0].to_numpy()])

    def by_days(curves: pl.Series) -> np.ndarray:
        return np.stack([np.interp(DAYS, grid, np.concatenate([[0.0], curve])) for curve in curves.to_list()])

    return np.stack([by_days(frame[f"by_{name}"]) for name in NAMES], 1)


def places(frame: pl.DataFrame) -> np.ndarray:
    """The row of the table that each answer is about: the reader calls a row by its line, of which the first is the header."""
    return frame["source_id"].cast(pl.Int64).to_numpy() - 2


def distance(frame: pl.DataFrame, true: np.ndarray) -> dict[str, float]:
    """Of one answer, in the mean over rows and days."""
    off = np.abs(answered(frame) - true[places(frame)])
    each = {f"cause_{name}": round(float(off[:, k].mean()), 4) for k, name in enumerate(NAMES)}
    within = round(float((off.mean((1, 2)) <= GOAL).mean()), 3)
    return {"mean_difference": round(float(off.mean()), 4), **each, "rows_within_goal": within}


def anew(table: pl.DataFrame) -> pl.DataFrame:
    """The table with times of censoring that depend on nothing."""
    until = pl.Series(np.floor(np.random.default_rng(0).exponential(CENSORED_AFTER, len(table))).astype(np.int64))
    true = table["true_time"].cast(pl.Int64)
    seen = true <= until
    label = table["true_label"].zip_with(seen, pl.zeros(len(table), pl.Int64, eager=True))
    return table.with_columns(time=true.zip_with(seen, until), label=label)


def of_all(table: pl.DataFrame) -> float:
    """How far Aalen and Johansen's curves of all rows are from what came, in the mean over both causes and CHECKED."""
    label, time = table["label"].to_numpy(), table["time"].to_numpy() + 0.5
    times = Times(time, label.astype(np.int64), np.zeros(len(time)), (Horizon("end", float(DAYS[-1])),))
    own = _incidence.aalen_johansen(times, len(NAMES), np.array(CHECKED, float))
    when, cause = table["true_time"].to_numpy()[:, None] + 0.5, table["true_label"].to_numpy()[:, None]
    came = np.stack([((cause == k) & (when <= np.array(CHECKED))).mean(0) for k in (1, 2)])
    return float(np.abs(own - came).mean())


def judged(run: Path, table: pl.DataFrame) -> dict[str, Any]:
    """Of one run: the law as rows that it did not test have it, and how far each answer is from it."""
    said = pl.read_parquet(run / "predictions.parquet").filter(pl.col("part") == "test")
    features, time, first = (
        torch.tensor(table.select(columns).to_numpy(), dtype=torch.float64)
        for columns in ("^feature.*$", "true_time", pl.col("true_label") == 1)
    )
    held = np.zeros(len(table), bool)
    held[places(said)] = True
    numbers = fitted(features[~held], time[~held, 0], first[~held, 0] > 0)
    true = truth(features, numbers)
    answers = {str(model): distance(frame, true) for (model,), frame in said.group_by("model", maintain_order=True)}
    told = {name: [round(value, 2) for value in part.tolist()] for name, part in zip(LAW, numbers[:12].split(4), strict=True)}
    off = round(off_by_tenths(true[held], table.filter(pl.Series(held))), 4)
    return {"test_rows": int(held.sum()), **told, "law_off_what_came_by_tenths": off, "answers": answers}


def main(runs: dict[str, Path], table: pl.DataFrame) -> None:
    torch.set_num_threads(1)
    with measure() as cost:
        each = {name: judged(run, table) for name, run in runs.items()}
    payload: dict[str, Any] = {
        "question": "how far from the truth is the cumulative incidence foreseen of a test row, in the mean over rows and days?",
        "goal": f"at most {GOAL}",
        "days": f"{DAYS[0]} to {DAYS[-1]}",
        "aalen_johansen_of_all_rows_off_what_came": {"published": round(of_all(table), 4), "anew": round(of_all(anew(table)), 4)},
        **{f"{name}_{key}": value for name, found in each.items() for key, value in found.items()},
        "cpu_seconds": round(cost.cpu_seconds, 1),
    }
    record("competing_risks", payload)


if __name__ == "__main__":
    simulated = pl.read_csv(Path(os.environ.get("SEQUELA_DATA", ".")) / SOURCE)
    if sys.argv[1] == "--anew":
        anew(simulated).write_csv(sys.argv[2])
    else:
        main({name: Path(run) for name, _, run in (one.partition("=") for one in sys.argv[1:])}, simulated)
