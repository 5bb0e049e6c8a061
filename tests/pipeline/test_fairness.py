"""What a study may ask of groups, and training rows weighed by them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from sequela import config
from sequela.errors import ConfigError
from sequela.evaluate.trusted import Trusted
from sequela.pipeline import run
from sequela.pipeline.fairness import check
from sequela.store.store import Store
from sequela.train.fairly import WAYS, alike, independent
from sequela.types import Target


def asked(demo: Path, *overrides: str) -> None:
    check(config.load(demo, overrides))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (('fairness.groups=["colour"]',), "colour"),
        (('fairness.crossed=[["sex"]]',), "two or more"),
        (('fairness.by="sex"',), "mitigate is none"),
        (('fairness.mitigate="loss"',), "by is not set"),
        (('fairness.mitigate="loss"', 'fairness.by="colour"'), "colour"),
        (('fairness.mitigate="reweighting"', 'fairness.by="sex"', 'train.balance="weights"'), "how much a row counts"),
        (('fairness.mitigate="thresholds"', 'fairness.by="sex"', "evaluate.threshold=0.5"), "is a number"),
        (('fairness.mitigate="loss"', 'fairness.by="sex"', 'task="regression"'), "yes-or-no"),
    ],
)
def test_what_contradicts_itself_is_refused_before_training(demo: Path, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        asked(demo, *overrides)


def test_what_can_be_held_is_let_through(demo: Path) -> None:
    overrides = ('fairness.crossed=[["sex", "age_band"]]', 'fairness.mitigate="reweighting"', 'fairness.by="sex"')
    asked(demo, *overrides)  # raises nothing
    with pytest.raises(ConfigError):  # and is looked at: the same without the group is refused
        asked(demo, *overrides[:2])


def rows() -> tuple[np.ndarray, Target]:
    random = np.random.default_rng(0)
    group = random.choice(["A", "B", ""], 400, p=[0.6, 0.3, 0.1])
    event = (random.random(400) < np.where(group == "A", 0.4, 0.1)).astype(float)
    return group, Target(event[:, None], (random.random(400) < 0.9)[:, None], ("event",))


def test_reweighted_groups_have_the_same_share_of_events() -> None:
    group, target = rows()
    weight = independent(group, target)
    shares = [np.average(target.values[of, 0], weights=weight[of]) for of in (group == level for level in ("A", "B", ""))]
    known = target.known[:, 0]
    assert shares == pytest.approx([target.values[known].mean()] * 3, rel=1e-5)


def test_levelled_losses_give_each_group_the_same_weight() -> None:
    group, target = rows()
    weight = alike(group, target)
    assert [weight[group == level].sum() for level in ("A", "B", "")] == pytest.approx([target.known.sum() / 3] * 3, rel=1e-5)


@pytest.mark.parametrize("how", WAYS)
def test_rows_without_a_label_count_nothing_and_the_others_one_in_the_mean(how: str) -> None:
    group, target = rows()
    weight = WAYS[how](group, target)
    assert (weight[~target.known[:, 0]] == 0).all()
    assert weight[target.known[:, 0]].mean() == pytest.approx(1, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["reweighting", "thresholds"])
def test_a_mitigation_stands_beside_what_it_costs(
    how: str, ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    asked = (*small, f'fairness.mitigate="{how}"', 'fairness.by="sex"', "evaluate.min_events=1", "evaluate.min_group=5")
    done = run(demo, data=ward, out=tmp_path / "run", overrides=asked)
    facts = msgspec.json.decode((done.folder / "trust.json").read_bytes(), type=Trusted).fairness
    assert facts is not None and facts.mitigation is not None
    sides = [(side.side, side.part) for side in facts.mitigation.sides]
    told = [("with", "test")] if how == "reweighting" else [("without", "test"), ("with", "test")]
    assert sides == [("without", "tune"), ("with", "tune"), *told]
    assert "What was done about it" in done.report.read_text(encoding="utf-8")
