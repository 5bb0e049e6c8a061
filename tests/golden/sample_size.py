"""What the authors of the method say how many patients a study needs, for tests/evaluate/size/test_size.py.

    python tests/golden/sample_size.py

writes sample_size.json: made with pmsampsize 0.1.0 and pmvalsampsize 0.2.1, the authors' own Python packages (they
need matplotlib). The rows of each criterion are kept as they give them.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from pmsampsize.pmsampsize import pmsampsize
from pmvalsampsize.pmvalsampsize import pmvalsampsize

FILE = Path(__file__).with_suffix(".json")
BINARY = ((0.174, 24, 0.288), (0.174, 24, 0.55), (0.174, 36, 0.288), (0.25, 24, 0.288), (0.05, 30, 0.05))
CONTINUOUS = ((1.9, 0.6, 25, 0.2), (1.9, 0.6, 25, 0.3), (1.9, 0.6, 50, 0.2), (1.9, 2.0, 100, 0.5), (26.7, 8.7, 20, 0.9))
SURVIVAL = ((0.065, 2.07, 2, 25, 0.051), (0.065, 2.07, 2, 30, 0.051), (0.08, 5, 3, 40, 0.06), (0.03, 5, 1, 80, 0.3))
VALIDATION = ((0.018, 0.8, -5.0, 2.5, 1.0), (0.22, 0.82, -1.75, 1.47, 0.22), (0.4, 0.7, -0.5, 0.8, 0.2))
EXPLAINED = ((0.89, 0.174), (0.81, 0.77), (0.7, 0.05))


def rows(found):
    """Of each criterion; the table begins with its head and ends with the greatest."""
    return [int(row[1]) for row in found["results_table"] if str(row[0]).startswith("Criteria")]


made = {
    "versions": {name: version(name) for name in ("pmsampsize", "pmvalsampsize")},
    "binary": [
        [*given, rows(pmsampsize("b", parameters=given[1], prevalence=given[0], csrsquared=given[2], noprint=True))]
        for given in BINARY
    ],
    "continuous": [
        [*given, rows(pmsampsize("c", parameters=given[2], rsquared=given[3], intercept=given[0], sd=given[1], noprint=True))]
        for given in CONTINUOUS
    ],
    "survival": [
        [
            *given,
            rows(
                pmsampsize(
                    "s",
                    parameters=given[3],
                    csrsquared=given[4],
                    rate=given[0],
                    meanfup=given[1],
                    timepoint=given[2],
                    noprint=True,
                )
            ),
        ]
        for given in SURVIVAL
    ],
    "validation": [
        [
            *given,
            rows(
                pmvalsampsize(
                    "b", prevalence=given[0], cstatistic=given[1], lpnormal=given[2:4], oeciwidth=given[4], noprint=True
                )
            ),
        ]
        for given in VALIDATION
    ],
    "explained": [
        [*given, pmsampsize("b", parameters=10, prevalence=given[1], cstatistic=given[0], noprint=True)["rsquared"]]
        for given in EXPLAINED
    ],
}
FILE.write_text(json.dumps(made, indent=1) + "\n")
