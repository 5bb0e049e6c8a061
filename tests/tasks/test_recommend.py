"""Medication sets: the penalty on pairs that interact, the graph of drugs, and rules that no network can break."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sequela.config import convert
from sequela.contracts import Guarded
from sequela.errors import ConfigError, DataError
from sequela.modalities._synthetic import Held, events
from sequela.tasks import recommend
from sequela.types import Answer, Encoded, Known, Target

TABLES = Path(__file__).parents[1] / "study" / "tables"
NAMES = ("ATC//C10AA01", "ATC//J01FA09", "ATC//G04BE03", "ATC//C01DA14", "ATC//A10BA02", "ATC//J01CA04", "ATC//N02BE01")
FACTS = {
    "egfr": {"codes": ["EGFR"]},
    "pregnant": {"codes": ["PREGNANT"]},
    "allergy": {"codes": ["ALLERGY//{drug}"]},
    "age": {"codes": ["AGE"]},
}
FILES = {"interactions": "interactions.csv", "constraints": "constraints.csv", "facts": FACTS, "others": "ignore"}


def options(**more: object) -> recommend.Config:
    return recommend.gathered(convert({**FILES, **more}, recommend.Config), lambda name: TABLES / name)


def known(count: int, *said: tuple[int, str, float | None]) -> Known:
    """Rows of which (row, code, number) is known."""
    rows, codes, numbers = (list(column) for column in zip(*said, strict=True)) if said else ([], [], [])
    frame = events({"row": rows, "position": [-1.0] * len(rows), "code": codes, "numeric_value": numbers})
    return Known(count, frame, Held({}), {})


def test_it_is_a_task_whose_answers_are_held_to_rules() -> None:
    task = recommend.build(options(), NAMES)
    assert isinstance(task, Guarded)
    assert "not an order" in task.notice and "Decision support" in task.notice
    assert len(task.told) == 2 and all("SHA-256" in sentence for sentence in task.told)


def test_options_hold_their_tables_and_survive_being_written_down() -> None:
    gathered = options()
    again = convert(msgspec.json.decode(msgspec.json.encode(gathered)), recommend.Config)
    assert again == gathered and recommend.gathered(again, _nowhere) == gathered
    np.testing.assert_array_equal(recommend.build(again, NAMES).never, recommend.build(gathered, NAMES).never)


def _nowhere(name: str) -> Path:
    raise AssertionError(f"{name} is looked for again")


def test_tables_that_were_not_read_and_a_penalty_without_interactions_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'constraints\.csv', which has not been read"):
        recommend.build(convert(FILES, recommend.Config), NAMES)
    with pytest.raises(ConfigError, match=r"ddi_weight needs task\.interactions"):
        recommend.build(recommend.Config(ddi_weight=1.0), NAMES)
    with pytest.raises(DataError, match="none of the 7 drugs"):
        recommend.build(options(others="refuse"), NAMES)


# --------------------------------------------------------------------------------------------------------------------- penalty


def test_the_penalty_is_the_expected_number_of_interacting_pairs_over_the_drugs() -> None:
    risk = torch.tensor([[0.9, 0.5, 0.2], [0.9, 0.0, 0.2], [0.0, 0.0, 0.0]], dtype=torch.float64)
    interacts = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.float64)
    expected = torch.tensor([0.9 * 0.5 / 3, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(recommend.interacting(risk, interacts, 0.0), expected)


def test_a_row_whose_rate_is_within_the_target_is_not_penalised() -> None:
    risk = torch.tensor([[0.9, 0.5, 0.2]], dtype=torch.float64)
    interacts = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.float64)
    rate = 0.45 / (0.45 + 0.18 + 0.1)
    assert recommend.interacting(risk, interacts, rate + 1e-9).item() == 0
    half = recommend.interacting(risk, interacts, rate - recommend.RAMP / 2).item()
    assert half == pytest.approx(0.5 * 0.45 / 3)


def test_descending_the_penalty_takes_interacting_drugs_apart_and_leaves_the_others() -> None:
    task = recommend.build(options(ddi_weight=5.0), NAMES)
    plain = recommend.build(options(), NAMES)
    given = torch.tensor([[1.0, 1, 0, 0, 1, 0, 0]])
    target = Target(given, torch.ones_like(given, dtype=torch.bool), NAMES)
    ends = []
    for one in (task, plain):
        logits = torch.tensor([[0.5, 0, 0, 0, 0, 0, 0]], requires_grad=True)
        optimizer = torch.optim.Adam([logits], 0.1)
        for _ in range(200):
            optimizer.zero_grad()
            one.loss(logits, target).sum().backward()
            optimizer.step()
        ends.append(logits.detach().sigmoid()[0])
    assert ends[1][:2].prod() > 0.9, "without a penalty both are told"
    assert ends[0][:2].prod() < 0.25, "with it they are hardly told together"
    assert ends[0][4] > 0.9 and ends[0][5:].max() < 0.1


def test_a_row_without_a_label_is_not_penalised() -> None:
    task = recommend.build(options(ddi_weight=5.0), NAMES)
    out = torch.full((2, len(NAMES)), 3.0, requires_grad=True)
    known_labels = torch.tensor([[False] * 7, [True] * 7])
    loss = task.loss(out, Target(torch.zeros(2, 7), known_labels, NAMES))
    loss.sum().backward()
    assert loss[0] == 0 and loss[1] > 0 and (out.grad[0] == 0).all()


# ------------------------------------------------------------------------------------------------------------------------ head


def test_the_memory_of_drugs_begins_with_those_given_together_and_is_saved() -> None:
    task = recommend.build(options(), NAMES)
    values = np.zeros((40, len(NAMES)))
    values[:20, [4, 6]] = 1
    values[20:, 5] = 1
    values[::2, :4] = 1
    head = task.head(3)
    task.start(head, Target(values, np.full(values.shape, True), NAMES))
    together, apart = head.memory.together, head.memory.apart
    assert together[4, 6] > 0 and together[4, 5] == 0
    assert apart[0, 1] > 0 and apart[0, 4] == 0
    assert {"memory.together", "memory.apart"} <= set(head.state_dict())
    assert torch.allclose(together, together.T)


def test_without_a_memory_the_head_is_the_plain_one() -> None:
    head = recommend.build(options(memory=0), NAMES).head(3)
    pooled = torch.randn(2, 3)
    encoded = Encoded(None, torch.ones(2, 1, dtype=torch.bool), pooled)
    torch.testing.assert_close(head(encoded), head.plain(encoded))


# ----------------------------------------------------------------------------------------------------------------------- rules


def test_what_is_withheld_is_told_with_its_reason() -> None:
    task = recommend.build(options(), NAMES)
    said = known(2, (0, "EGFR", 20.0), (1, "ALLERGY//ATC//J01CA04", None))
    called = np.zeros((2, len(NAMES)), bool)
    called[0, 0] = True
    first, second = task.withheld(said, called)
    assert set(first) == {"ATC//A10BA02", "ATC//J01FA09"}
    assert first["ATC//J01FA09"] == "contraindicated together with ATC//C10AA01"
    assert set(second) == {"ATC//J01CA04"}
    assert task.unchecked(said) == [[], ["egfr"]], "age is asked of drugs alone that the outcome does not name"


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_no_network_whatever_it_says_breaks_a_rule(seed: int, cut: float) -> None:
    random = np.random.default_rng(seed)
    task, rows = recommend.build(options(), NAMES), 12
    said = [(row, code, number) for row in range(rows) for code, number in _drawn(random)]
    torch.manual_seed(seed)
    head = task.head(4).eval()
    wide = Encoded(None, torch.ones(rows, 1, dtype=torch.bool), 30 * torch.randn(rows, 4))
    barred = task.barred(known(rows, *said))
    answer = task.held(task.answer(head(wide).detach()), barred)
    called = answer.values >= max(cut, np.finfo(float).tiny)
    assert not (called & barred).any()
    assert not (called[:, :, None] & called[:, None, :] & task.never).any()
    for row, code, number in said:
        if code == "EGFR" and number < 30:
            assert not called[row, NAMES.index("ATC//A10BA02")]
        if code.startswith("ALLERGY//"):
            assert not called[row, NAMES.index(code.removeprefix("ALLERGY//"))]


def _drawn(random: np.random.Generator) -> list[tuple[str, float | None]]:
    found: list[tuple[str, float | None]] = [("EGFR", float(random.uniform(5, 100)))]
    return found + ([("ALLERGY//ATC//J01CA04", None)] if random.random() < 0.5 else [])


def test_rules_touch_nothing_else() -> None:
    task = recommend.build(options(), NAMES)
    values = np.array([[0.4, 0.6, 0.3, 0.2, 0.9, 0.8, 0.7]])
    barred = np.zeros((1, 7), bool)
    barred[0, 4] = True
    held = task.held(Answer("probabilities", values, NAMES), barred)
    assert held.values.tolist() == [[0, 0.6, 0.3, 0, 0, 0.8, 0.7]]
