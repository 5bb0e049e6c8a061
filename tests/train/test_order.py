from __future__ import annotations

import numpy as np

from sequela.train.order import Order

LENGTHS = np.random.default_rng(0).integers(1, 50, 103)


def test_every_row_is_in_one_step_of_an_epoch() -> None:
    order = Order(LENGTHS, 10, seed=0)
    for epoch in range(3):
        batches = order.epoch(epoch)
        assert len(batches) == order.steps == 11
        assert sorted(np.concatenate(batches)) == list(range(103))


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def drawn(seed: int, epoch: int, share: np.ndarray | None) -> bytes:
        return np.concatenate(Order(LENGTHS, 10, seed, share).epoch(epoch)).tobytes()

    for share in (None, np.full(103, 1 / 103)):
        assert drawn(0, 1, share) == drawn(0, 1, share)
        assert drawn(0, 1, share) != drawn(0, 2, share) != drawn(1, 2, share)


def test_a_balanced_draw_shows_each_class_as_often() -> None:
    label = np.arange(1000) < 50
    share = np.where(label, 0.5 / 50, 0.5 / 950)
    order = Order(np.ones(1000, int), 100, seed=0, share=share)
    drawn = np.concatenate([np.concatenate(order.epoch(epoch)) for epoch in range(20)])
    assert len(drawn) == 20_000
    assert abs(label[drawn].mean() - 0.5) < 4 * 0.5 / np.sqrt(len(drawn))
    counts = np.bincount(drawn, minlength=1000)
    assert counts[label].min() > 100 and counts.min() > 0


def test_a_row_of_no_share_is_never_drawn() -> None:
    share = np.array([0.0, 0.5, 0.5])
    assert 0 not in np.concatenate([np.concatenate(Order(np.ones(3, int), 2, 0, share).epoch(epoch)) for epoch in range(50)])
