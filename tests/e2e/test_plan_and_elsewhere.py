"""A plan sealed, met or not, changed after a look; a bundle on another ward; networks on resampled patients."""

from __future__ import annotations

from pathlib import Path

import pytest

from sequela.errors import ConfigError, UsageError
from sequela.evaluate.planned import Sealed, fingerprint
from sequela.evaluate.trusted import Trusted
from sequela.pipeline import check, evaluate, files, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

pytestmark = pytest.mark.slow
ACCEPT = 'plan.accept=["auroc.low >= 0.999", "group sex auroc >= 0.2"]'


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Store:
    from sequela import simulate
    from sequela.pipeline import import_data

    folder = tmp_path_factory.mktemp("elsewhere")
    return import_data("physionet2012", simulate.write("ward", folder / "raw", 200, seed=5), folder / "ward.store")


@pytest.fixture(scope="module")
def planned(elsewhere: Store, demo: Path, small: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("planned") / "run"
    return run(demo, data=elsewhere, out=out, overrides=(*small, ACCEPT, "plan.bootstrap_models=2"))


def trusted(done: Run) -> Trusted:
    return files.read_json(done.folder / files.TRUST, Trusted)


def test_a_plan_is_sealed_judged_and_told_before_the_verdict(planned: Run) -> None:
    sealed, facts = files.read_json(planned.folder / "plan.json", Sealed), trusted(planned).plan
    assert facts is not None and facts.hash == sealed.hash == fingerprint(sealed.plan)
    assert [one.verdict for one in facts.accepted][:1] == ["not met"] and facts.verdict == "not met"
    page = planned.report.read_text()
    assert page.index("Acceptance") < page.index("<h2>Verdict</h2>") and "auroc.low &gt;= 0.999" in page and sealed.hash in page


def test_networks_on_resamples_say_how_far_answers_move(planned: Run) -> None:
    facts = trusted(planned).instability
    assert facts is not None and facts.models == 2 and facts.error > 0
    assert {path.name for path in planned.folder.glob("bootstrap-*")} == {"bootstrap-1", "bootstrap-2"}
    assert "Instability of single answers" in planned.report.read_text()


def test_a_plan_changed_after_a_look_is_named_by_key(
    planned: Run, elsewhere: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    found = check(demo, data=elsewhere, overrides=(*small, "evaluate.threshold=f1", ACCEPT, "plan.bootstrap_models=2"))
    assert "evaluate.threshold" in found.text() and "patients needed" in found.text()
    again = run(demo, data=elsewhere, out=tmp_path / "again", overrides=(*small, "evaluate.threshold=f1"))
    facts = trusted(again).plan
    assert facts is not None and facts.looks == 2
    assert {"evaluate.threshold", "plan.accept"} <= {one.key for one in facts.earlier[0].changed}
    assert "The plan was changed after a look" in again.report.read_text()


def test_tune_alone_seals_nothing(elsewhere: Store, demo: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    done = run(demo, data=elsewhere, out=tmp_path / "tune", overrides=small, part="tune")
    assert not (done.folder / "plan.json").exists() and trusted(done).plan is None


def test_a_bundle_elsewhere_is_held_against_its_own_plan(planned: Run, ward: Store, tmp_path: Path) -> None:
    done = evaluate(planned.bundle, ward, recalibrate="intercept", site="sex", out=tmp_path / "external")
    facts = trusted(done).external
    assert facts is not None and facts.decision == "no-go" and facts.decision_recalibrated == "no-go"
    assert {one.name for one in facts.sites} == {"female", "male"} and facts.local is not None and facts.local.way == "intercept"
    assert facts.mix is not None and facts.mix.subjects_here == 150 and facts.mix.columns
    page = done.report.read_text()
    assert page.index("Go or no-go") < page.index("<h2>Verdict</h2>") and "Case mix" in page and "By site" in page
    with pytest.raises(UsageError, match="is none of"):
        evaluate(planned.bundle, ward, site="hospital", out=tmp_path / "other")


@pytest.mark.parametrize(
    ("said", "expected"), [('plan.accept=["mae <= 3"]', "has no mae"), ('plan.accept=["class x auroc >= 0.5"]', "no class 'x'")]
)
def test_a_plan_that_cannot_be_asked_stops_before_training(
    said: str, expected: str, ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=expected):
        run(demo, data=ward, out=tmp_path / "run", overrides=(*small, said))
    assert not (tmp_path / "run").exists()
