"""The final model on train and tune together, once tune has said how many epochs are best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from msgspec import structs

from sequela.config import Study
from sequela.contracts import Evidence, Progress
from sequela.train.fit import RESUME, Trained, fit
from sequela.train.rows import join
from sequela.train.state import Weights


def refit(
    study: Study,
    train: Evidence,
    tune: Evidence,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    seed: int | None = None,
    resume_command: str = RESUME,
    start: Weights | None = None,
) -> Trained:
    """A model of all rows of train and tune, trained for the number of epochs that was best when tune was held out.

    Schedules stretch over that number of epochs; nothing stops early and the last weights are kept. The first training stands in
    `folder`, the second in refit/ of it. `history` is that of the second: it knows no tune results. Nothing may be chosen or
    calibrated on tune with this model, which has learnt from it: take the answers of the first (`fit` with resume gives it back).
    Raises as `fit` does.
    """
    chosen = fit(
        study, train, tune, folder, resume=resume, progress=progress, seed=seed, resume_command=resume_command, start=start
    )
    settings = structs.replace(study.train, epochs=chosen.best_epoch, patience=0)
    final = fit(
        structs.replace(study, train=settings),
        join(train, tune),
        None,
        folder / "refit",
        resume=resume,
        progress=None if progress is None else lambda what, done, total: progress(f"{what} on train and tune", done, total),
        seed=seed,
        resume_command=resume_command,
        start=start,
    )
    return replace(final, cpu_seconds=chosen.cpu_seconds + final.cpu_seconds)
