"""The SOFA-like score of charted values beside the SOFA that the records bring, on the ICU stays of PhysioNet 2012.

    SEQUELA_DATA=… python bench/sofa.py

Of the training part of the first split alone, over the first 48 hours: how far the two agree, and how well each tells who dies.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from harness import record

from sequela import config
from sequela.baselines import sofa
from sequela.metrics.discrimination import auroc
from sequela.pipeline import trial
from sequela.pipeline.prepared import prepare
from sequela.pipeline.progress import silent

STUDY = Path(__file__).parents[1] / "studies" / "icu_mortality.toml"
GIVEN = "scores.SCORE//SOFA"


def main() -> None:
    prepared = prepare(config.load(STUDY), STUDY.parent, None, silent)
    train = trial.read(prepared.split(prepared.plans[0])).train
    ours, given = sofa.score(train.plain, sofa.Config()), train.plain.values[:, train.plain.names.index(GIVEN)].astype(float)
    both = np.isfinite(ours) & np.isfinite(given)
    died = train.target.values[both, 0] > 0
    record(
        "sofa",
        {
            "stays": len(ours),
            "without_ours": int(np.isnan(ours).sum()),
            "without_given": int(np.isnan(given).sum()),
            "mean_ours": float(ours[both].mean()),
            "mean_given": float(given[both].mean()),
            "correlation": float(np.corrcoef(ours[both], given[both])[0, 1]),
            "auroc_ours": float(auroc(ours[both], died)),
            "auroc_given": float(auroc(given[both], died)),
        },
    )


if __name__ == "__main__":
    main()
