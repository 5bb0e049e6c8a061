"""What a study says is known beforehand, from its file to what is told of rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.explain.counterfactual import Options
from sequela.pipeline import counterfactuals, prototypes, run
from sequela.pipeline.experiment import Run
from sequela.pipeline.progress import silent
from sequela.pipeline.reopened import reopen
from sequela.store.store import Store

Refused = Callable[[str], ConfigError]


@pytest.fixture
def refused(ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path) -> Refused:
    """The error by which a run with such a line of its study ends, with nothing trained."""

    def ended(line: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            run(demo, data=ward, out=tmp_path / "run", overrides=(*small, line))
        assert not (tmp_path / "run").exists()
        return caught.value

    return ended


def test_rules_and_concepts_that_cannot_be_meant_end_a_run_before_it_trains(refused: Refused, tmp_path: Path) -> None:
    unknown = refused('explain.rules=[{feature="Lactat", must_not="lower"}]')
    assert "'Lactat'" in unknown.message and "'Lactate'" in unknown.hint
    both = refused('explain.rules=[{feature="Lactate", must_not="lower"}, {feature="Lactate", must_not="raise"}]')
    assert "contradict themselves" in both.message
    (tmp_path / "organs.toml").write_text('[concepts]\nperfusion = ["Lactate", "Lactose"]\n')
    missing = refused(f'explain.concepts=["{tmp_path}/organs.toml"]')
    assert "'Lactose' of perfusion" in missing.message and "'Lactate'" in missing.hint


@pytest.mark.slow
def test_what_is_told_of_rows_of_a_run(ward_run: Run, ward: Store) -> None:
    opened = reopen(ward_run.folder, ward, silent)
    predictor, rows = opened.held.predictor, opened.evidence("test", np.arange(3))
    told = counterfactuals.of_rows(predictor, rows, Options(immutable=("Lactate",)), withheld=["unsure of it", "", ""])
    assert told[0].sentence.endswith("no counterfactual: unsure of it")
    cut = predictor.thresholds["model"]
    for one in told[1:]:
        assert ((one.before >= cut) != (one.after >= cut)) == one.flips
        assert "Lactate" not in {change.feature for change in one.changes}
    train: Evidence = opened.evidence("train")
    near = prototypes.of_rows(predictor, rows, train, count=2)
    assert [one.row_id for one in near] == list(map(str, rows.row_id))
    assert all(case.row_id in set(map(str, train.row_id)) and 0 <= case.alike <= 1 for one in near for case in one.cases)
