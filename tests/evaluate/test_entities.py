"""Entities from answer and truth to numbers with intervals, and through a table and back."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from runs import cohort

from sequela import config
from sequela.errors import DataError
from sequela.evaluate import cases, entities, tallies
from sequela.evaluate.entities import Tally
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.metric import Metric
from sequela.evaluate.threshold import choose_all
from sequela.metrics.entities import BOTH, BOUNDARY, KINDS, RIGHT, SPURIOUS, TYPE
from sequela.types import Answer, Array, Spanned, Spans, Tags, Target

NAMES, ROWS = ("Disease", "Drug"), 30
Row = list[tuple[int, int, int]]


def spans(rows: list[Row], score: bool = False, concept: str | None = None) -> Spans:
    """Of (begin, end, type) row by row."""
    flat = np.array([one for row in rows for one in sorted(row)], np.int64).reshape(-1, 3)
    offsets = np.cumsum([0, *map(len, rows)])
    sure = 1 / (1 + flat[:, 1]) if score else None
    return Spans(offsets, *flat.T, sure, None if concept is None else np.full(len(flat), concept))


def target(rows: list[Row], known: Array | None = None) -> Target:
    marked = spans(rows, concept="D0001")
    nothing = Tags(np.zeros(len(rows) + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))
    count = np.array([[float(len(row))] for row in rows])
    return Target(count, np.full((len(rows), 1), True) if known is None else known, NAMES, Spanned(marked, nothing))


def answer(rows: list[Row], truth: Target) -> Answer:
    said = Answer("spans", np.zeros((len(rows), 2)), NAMES, spanned=spans(rows, score=True))
    return tallies.tallied("entities", said, truth, 0.0)


def drawn(seed: int = 0) -> tuple[list[Row], list[Row]]:
    """What is true of some texts, and what is said: near it, of another type, of nothing; some texts hold nothing."""
    random = np.random.default_rng(seed)
    truth: list[Row] = [[(20 * k, 20 * k + 8, int(random.integers(2))) for k in range(row % 5)] for row in range(ROWS)]
    said: list[Row] = []
    for row in truth:
        moved = [(b + int(random.random() < 0.2), e, k if random.random() < 0.8 else 1 - k) for b, e, k in row]
        kept = [one for one in moved if random.random() < 0.85]
        said.append(kept + ([(200, 205, 0)] if random.random() < 0.4 else []))
    return truth, said


def test_what_is_said_of_a_document_that_nobody_read_is_not_judged() -> None:
    truth, said = [[(0, 8, 0)], []], [[(0, 8, 0), (30, 38, 0), (60, 68, 0)], [(0, 4, 1)]]
    read = target(truth)
    unread = replace(read, dense=replace(read.dense, unread=spans([[(20, 50, 0)], []])))
    assert answer(said, read).tally.numbers()["said"].tolist() == [3, 1]
    assert answer(said, unread).tally.numbers()["said"].tolist() == [2, 1]


def same(left: Tally, right: Tally) -> None:
    for one, other in ((left.said, right.said), (left.truth, right.truth)):
        for name in ("offsets", "begin", "end", "label", "score", "concept"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(left.of, right.of)
    np.testing.assert_array_equal(left.kind, right.kind)


def test_a_tally_tells_of_each_stretch_how_it_compares_with_its_own_text() -> None:
    truth = target([[(0, 5, 0), (10, 15, 0)], [], [(0, 5, 0), (6, 9, 1), (10, 15, 0), (30, 34, 0)]])
    found = answer([[(0, 5, 0), (10, 14, 0)], [(0, 5, 0)], [(0, 5, 1), (10, 16, 1), (40, 44, 0)]], truth).tally
    assert found.kind.tolist() == [RIGHT, BOUNDARY, SPURIOUS, TYPE, BOTH, SPURIOUS]
    assert found.of.tolist() == [0, 1, -1, 0, 2, -1]
    assert found.missed.tolist() == [False, False, False, True, False, True]
    told = {name: column.tolist() for name, column in found.numbers().items()}
    assert told["said"] == [2, 1, 3] and told["truth"] == [2, 0, 4] and told["partial"] == [2, 0, 0]
    assert told["entities_right"] == [1, 0, 0] and told["entities_missed"] == [0, 0, 2]
    drugs = {name: column.tolist() for name, column in found.numbers(1).items()}
    assert drugs["said"] == [0, 0, 2] and drugs["truth"] == [0, 0, 1] and drugs["entities_missed"] == [0, 0, 1]


def test_every_stretch_said_is_of_one_kind_and_every_true_one_is_found_or_missed() -> None:
    truth, said = drawn()
    count = answer(said, target(truth)).tally.numbers()
    kinds = sum(count[name] for name in entities.COUNTED)
    assert (kinds == count["said"]).all()
    assert (kinds - count["entities_spurious"] + count["entities_missed"] == count["truth"]).all()


def test_taking_rows_of_a_tally_is_tallying_those_rows() -> None:
    truth, said = drawn()
    whole, rows = target(truth), np.array([7, 2, 29])
    same(answer(said, whole).take(rows).tally, answer([said[row] for row in rows], whole.take(rows)).tally)


@pytest.mark.parametrize("rows", [np.arange(ROWS), np.array([2, 0]), np.array([0])])
def test_a_tally_goes_through_a_table_and_back(rows: Array) -> None:
    truth, said = drawn()
    found = answer(said, target(truth)).tally.take(rows)
    file = io.BytesIO()
    table = pl.DataFrame(entities.columns(found))
    table.write_parquet(file)
    file.seek(0)
    same(entities.restored(pl.read_parquet(file), NAMES), found)
    assert set(table["span_is"].explode().drop_nulls()) <= set(KINDS)


def test_a_table_without_concepts_or_scores_gives_none_back() -> None:
    truth, said = drawn()
    found = answer(said, target(truth)).tally
    bare = replace(found, truth=replace(found.truth, concept=None), said=replace(found.said, score=None))
    table = pl.DataFrame(entities.columns(bare))
    back = entities.restored(table, NAMES)
    assert back.truth.concept is None and np.isnan(back.said.score).all()
    np.testing.assert_array_equal(back.kind, found.kind)


def numbers(of: Target, answers: dict[str, Answer], **settings: object) -> list[Metric]:
    assert choose_all("entities", answers, of, "youden") == {}
    asked = config.convert({"bootstrap": 50, **settings}, config.Evaluate, "evaluate")
    return evaluate("entities", cohort(of), answers, asked, {}, part="test", split="", seed=0).metrics


def test_all_types_together_and_each_get_numbers_with_intervals() -> None:
    truth, said = drawn()
    of = target(truth)
    found = {(one.metric, one.class_): one for one in numbers(of, {"model": answer(said, of)})}
    for column, name in enumerate(("", *NAMES), -1):
        there = {(row, *one) for row, those in enumerate(truth) for one in those if column in (-1, one[2])}
        told = {(row, *one) for row, those in enumerate(said) for one in those if column in (-1, one[2])}
        right = len(there & told)
        assert found["entity_f1", name].value == pytest.approx(2 * right / (len(there) + len(told)))
        assert found["ppv", name].value == pytest.approx(right / len(told))
        assert found["sensitivity", name].value == pytest.approx(right / len(there))
        assert found["entities_right", name].value == right
        one = found["entity_f1", name]
        assert one.low is not None and one.high is not None and one.low <= one.value <= one.high
    assert found["entity_f1_partial", ""].value > found["entity_f1", ""].value


def test_one_type_has_no_rows_of_its_own() -> None:
    truth = [[(0, 5, 0)], [(3, 9, 0)]]
    of = replace(target(truth), names=("Disease",))
    said = replace(answer(truth, target(truth)), names=("Disease",), values=np.zeros((2, 1)))
    assert {one.class_ for one in numbers(of, {"model": said}, bootstrap=0)} == {""}


def test_two_answers_are_compared_on_the_same_texts() -> None:
    truth, said = drawn()
    of = target(truth)
    found = numbers(of, {"model": answer(said, of), "baseline:dictionary": answer(drawn(1)[1], of)})
    plain = {(one.model, one.metric, one.class_): one.value for one in found if not one.against}
    compared = {(one.metric, one.class_): one.value for one in found if one.against}
    assert {metric for metric, _ in compared} == set(entities.COMPARED)
    for (metric, class_), value in compared.items():
        assert value == pytest.approx(plain["model", metric, class_] - plain["baseline:dictionary", metric, class_])


def test_texts_that_nobody_read_are_left_out() -> None:
    truth, said = drawn()
    known = np.arange(ROWS)[:, None] >= 10
    hidden = target([row if read else [] for row, (read,) in zip(truth, known, strict=True)], known)
    later = np.arange(10, ROWS)
    whole = answer(said, hidden)
    some = {(one.metric, one.class_): one.value for one in numbers(hidden, {"model": whole}, bootstrap=0)}
    alone = {
        (one.metric, one.class_): one.value for one in numbers(hidden.take(later), {"model": whole.take(later)}, bootstrap=0)
    }
    assert some == alone


def test_where_nothing_is_said_or_there_the_numbers_say_so() -> None:
    nothing: list[Row] = [[], []]
    of = target(nothing)
    found = {one.metric: one for one in numbers(of, {"model": answer(nothing, of)}, bootstrap=0) if not one.class_}
    assert found["entity_f1"].value is None and found["entity_f1"].reason == "no entity was said, and none is there"
    assert found["ppv"].reason == "no entity was said" and found["sensitivity"].reason == "no such entity is there"
    assert found["entities_missed"].value == 0


def test_marks_of_no_class_are_not_asked_for() -> None:
    of = target([[(0, 5, 0), (6, 9, -1)]])
    found = {one.metric: one.value for one in numbers(of, {"model": answer([[(0, 5, 0)]], of)}, bootstrap=0) if not one.class_}
    assert found["entity_f1"] == 1 and found["entities_missed"] == 0


def test_an_answer_of_other_names_is_refused() -> None:
    of = target([[(0, 5, 0)]])
    with pytest.raises(DataError, match="the cohort asks for"):
        numbers(of, {"model": replace(answer([[(0, 5, 0)]], of), names=("Drug", "Disease"))})


def test_the_worst_the_typical_and_the_best_texts_are_chosen_with_what_became_of_their_entities() -> None:
    truth: list[Row] = [[(10 * k, 10 * k + 5, 0) for k in range(1 + row % 3)] for row in range(12)]
    said: list[Row] = [those if row < 6 else [(b, e + 1, k) for b, e, k in those] for row, those in enumerate(truth)]
    of = target([*truth, []])
    found = cases.chosen("entities", "model", answer([*said, []], of), of, {})
    assert [(one.row, one.why) for one in found[:3]] == [(8, "worst"), (11, "worst"), (7, "worst")]
    assert [(one.row, one.why) for one in found[-3:]] == [(5, "best"), (2, "best"), (4, "best")]
    assert found[0].told == "Entity F1 0.000: 0 right, 3 wrong boundary"
    assert found[-1].told == "Entity F1 1.000: 2 right" and len(found) == 7


def test_a_model_that_says_nothing_stands_in_one_table_with_one_that_does() -> None:
    truth = target([[(0, 8, 0)], []])
    told = [pl.DataFrame(tallies.columns("entities", answer(said, truth))) for said in ([[], []], [[(0, 8, 0)], []])]
    assert len(pl.concat(told)) == 4 and told[0].schema == told[1].schema
