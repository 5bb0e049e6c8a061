"""Constraints on drugs: what each condition means, what is refused, and what is not known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela.errors import ConfigError, DataError
from sequela.modalities._synthetic import Held, events
from sequela.study import contraindications
from sequela.study.contraindications import Fact
from sequela.types import Known

TABLE = Path(__file__).parent / "tables" / "constraints.csv"
NAMES = ("ATC//A10BA02", "ATC//C09AA05", "ATC//J01CA04", "ATC//N02AX02", "ATC//N02BE01")
FACTS = {
    "egfr": Fact(codes=["LOINC//98979-8", "LOINC//33914-3"]),
    "pregnant": Fact(codes=["ICD10CM//Z33.1", "ICD10CM//O*"], within="280d"),
    "allergy": Fact(codes=["ALLERGY//{drug}"]),
    "age": Fact(codes=["AGE"]),
}
NAN = float("nan")


def known(*rows: list[tuple[float, str, float | None]]) -> Known:
    """Rows of (days before the prediction, code, number)."""
    said = [(row, *event) for row, one in enumerate(rows) for event in one]
    columns = dict(zip(("row", "position", "code", "numeric_value"), map(list, zip(*said, strict=True)), strict=True))
    return Known(len(rows), events(columns), Held({}), {})


def rules() -> contraindications.Rules:
    return contraindications.compiled(contraindications.read(TABLE), FACTS, NAMES)


def barred(*rows: list[tuple[float, str, float | None]]) -> list[list[str]]:
    return [[name for name, out in zip(NAMES, row, strict=True) if out] for row in rules().barred(known(*rows))]


def test_a_comparison_is_with_the_latest_number_of_any_of_its_codes() -> None:
    falling = [(-300.0, "LOINC//98979-8", 80.0), (-2.0, "LOINC//33914-3", 25.0)]
    risen = [(-300.0, "LOINC//98979-8", 25.0), (-2.0, "LOINC//98979-8", 30.0)]
    assert barred(falling, risen) == [["ATC//A10BA02"], []]


def test_a_fact_is_one_with_or_without_time_and_only_so_long_ago() -> None:
    assert barred([(-279.0, "ICD10CM//O80", None)], [(-281.0, "ICD10CM//O80", None)], [(NAN, "ICD10CM//Z33.1", None)]) == [
        ["ATC//C09AA05"],
        [],
        ["ATC//C09AA05"],
    ]


def test_an_allergy_is_to_the_drug_that_the_rule_is_about() -> None:
    assert barred([(NAN, "ALLERGY//ATC//J01CA04", None)], [(NAN, "ALLERGY//ATC//C09AA05", None)]) == [["ATC//J01CA04"], []]


def test_reasons_name_the_condition_and_the_source() -> None:
    said = rules().reasons(known([(0.0, "AGE", 7.0)], [(0.0, "AGE", 12.0)]))
    assert set(said[0]) == {"ATC//N02AX02"} and said[1] == {}
    assert said[0]["ATC//N02AX02"].startswith("age < 12: respiratory depression (Ultram")


def test_a_number_that_nobody_knows_rules_nothing_out_and_is_named() -> None:
    said = known([(0.0, "AGE", 7.0)], [(-1.0, "LOINC//98979-8", 90.0), (0.0, "LOINC//98979-8", None)])
    assert rules().unchecked(said) == [["egfr"], ["age"]]
    assert not rules().barred(said)[1].any()


def test_a_rule_for_all_that_begin_so_holds_of_each(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("drug,when,reason,source\nATC//N02*,age >= 90,frailty,x\n")
    found = contraindications.compiled(contraindications.read(tmp_path / "c.csv"), FACTS, NAMES)
    assert found.barred(known([(0.0, "AGE", 90.0)])).tolist() == [[False, False, False, True, True]]


def test_what_the_data_must_tell_is_asked_of_facts_that_are_not_optional() -> None:
    facts = {**FACTS, "pregnant": Fact(codes=["PREGNANT"], optional=True)}
    asked = contraindications.compiled(contraindications.read(TABLE), facts, NAMES).asked
    assert set(asked) == {"egfr", "allergy", "age"} and asked["allergy"] == ["ALLERGY//ATC//J01CA04"]


def test_no_rules_rule_nothing_out() -> None:
    assert not contraindications.Rules(NAMES).barred(known([(0.0, "AGE", 7.0)])).any()


@pytest.mark.parametrize("when", ["egfr under 30", "< 30", "egfr < thirty", "egfr = 30", "pregnant or age < 3"])
def test_a_condition_that_is_not_understood_is_refused_by_line(tmp_path: Path, when: str) -> None:
    (tmp_path / "c.csv").write_text(f"drug,when,reason,source\nATC//A10BA02,{when},r,s\n")
    with pytest.raises(DataError, match="line 2: the condition"):
        contraindications.read(tmp_path / "c.csv")


def test_a_fact_that_the_study_does_not_say_is_refused() -> None:
    with pytest.raises(ConfigError, match="'egfr'") as error:
        contraindications.compiled(contraindications.read(TABLE), {"egf": FACTS["egfr"]}, NAMES)
    assert "did you mean 'egf'" in error.value.hint


def test_a_rule_about_an_unknown_drug_is_refused_unless_others_are_let_pass() -> None:
    table = contraindications.read(TABLE)
    with pytest.raises(DataError, match="none of the 2 drugs"):
        contraindications.compiled(table, FACTS, NAMES[:2])
    assert len(contraindications.compiled(table, FACTS, NAMES[:2], others=True).rules) == 2


def test_events_that_are_no_fact_change_nothing() -> None:
    said = known([(0.0, "AGE", 7.0)])
    other = pl.concat([said.events, known([(-1.0, "LOINC//2160-0", 5.0), (-1.0, "ALLERGY//other", None)]).events])
    np.testing.assert_array_equal(rules().barred(Known(1, other, Held({}), {})), rules().barred(said))
