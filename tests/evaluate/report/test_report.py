"""The report is one page that fetches nothing, escapes everything, and says first where a plain baseline wins."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
import runs

from sequela.errors import DataError
from sequela.evaluate.facts import BaselineFacts, FanFacts
from sequela.evaluate.report import html, numbers, render
from sequela.evaluate.report.items import HUMAN
from sequela.evaluate.report.run import read
from sequela.evaluate.report.verdict import answer, verdict
from sequela.metrics.table import Kind

VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)>'


class Balanced(HTMLParser):
    """Checks that every element that is opened is closed, and gathers the names and attributes met."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.anchors: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        self.anchors += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "forecast"])
def test_the_page_of_every_kind_is_whole_and_fetches_nothing(tmp_path: Path, kind: Kind) -> None:
    page = render(runs.folder(tmp_path / "run", kind, [runs.judged(kind)]))
    parser = parsed(page)
    assert not parser.met & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not {name for name in parser.attributes if name.startswith("on")} | parser.attributes & {
        "src",
        "srcset",
        "action",
    }
    assert {link[:1] for link in parser.links} == {"#"} and {link[1:] for link in parser.links} <= set(parser.anchors)
    assert len(parser.anchors) == len(set(parser.anchors))
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert "svg" in parser.met
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).lower().split()


def test_several_splits_are_one_page_about_their_mean(tmp_path: Path) -> None:
    those = [runs.judged("binary", seed=seed, split=f"split-{seed}") for seed in (1, 2)]
    page = render(runs.folder(tmp_path, "binary", those))
    parsed(page)
    assert "Mean over splits" in page
    assert "AUROC in each split" in page


@pytest.mark.parametrize(("skills", "first"), [((0.8, 2.5, 1.0), "Boosting"), ((2.5, 0.8, 0.7), "The model beats boosting")])
def test_the_verdict_says_first_who_wins(tmp_path: Path, skills: tuple[float, ...], first: str) -> None:
    folder = runs.folder(tmp_path, "binary", [runs.judged("binary", 500, skills=skills)])
    assert verdict(read(folder))[0].startswith(first)
    page = render(folder)
    assert page.index(first) < page.index("<table")


def test_what_is_answered_in_place_of_the_model_is_told_at_once(tmp_path: Path) -> None:
    folder = runs.folder(tmp_path, "binary", [runs.judged("binary", 500, skills=(0.8, 2.5, 1.0))])
    alone = answer(read(folder))
    rows = msgspec.json.decode((folder / "metrics.json").read_bytes())
    given = [row | {"model": "ensemble"} for row in rows if row["model"] == "model"]
    (folder / "metrics.json").write_bytes(msgspec.json.encode(rows + given))
    both = answer(read(folder))
    assert "the model" in alone and "the ensemble" not in alone
    assert "the model" in both and "beats the ensemble" in both


def test_net_benefit_names_the_threshold_that_all_are_compared_at(tmp_path: Path) -> None:
    folder = runs.folder(tmp_path, "binary", [runs.judged("binary", 300)])
    cut = read(folder).number("model", "net_benefit")
    assert cut is not None and cut.threshold is not None
    said = f"All answers are compared at one threshold, that of the model: {numbers.number(cut.threshold)}."
    assert said in render(folder)


def test_every_baseline_that_wins_is_named(tmp_path: Path) -> None:
    said = verdict(read(runs.folder(tmp_path, "binary", [runs.judged("binary", 800, skills=(0.6, 2.0, 1.9))])))
    assert said[0].startswith(("Boosting", "Logistic"))
    assert "beats the model" in said[1]


def test_an_undecided_comparison_is_said_to_be_one(tmp_path: Path) -> None:
    said = verdict(read(runs.folder(tmp_path, "binary", [runs.judged("binary", 200, skills=(1.5, 1.5))])))
    assert "either may be the better one" in said[0]


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    study = runs.study("binary", question=HOSTILE, notes=HOSTILE)
    told = msgspec.structs.replace(runs.facts(), overlap=HOSTILE, machine={HOSTILE: HOSTILE})
    page = render(runs.folder(tmp_path, "binary", [runs.judged("binary")], told, study))
    parser = parsed(page)
    assert not parser.met & {"script", "img"}
    assert "&lt;script&gt;" in page


def test_a_difference_without_an_interval_is_not_said_to_hold_zero(tmp_path: Path) -> None:
    folder = runs.folder(tmp_path, "binary", [runs.judged("binary", 800, skills=(0.6, 2.0))])
    rows = msgspec.json.decode((folder / "metrics.json").read_bytes())
    bare = [row | {"low": None, "high": None} if row["against"] else row for row in rows]
    (folder / "metrics.json").write_bytes(msgspec.json.encode(bare))
    said = " ".join(verdict(read(folder)))
    assert "it has no interval, so nothing is said of chance" in said and "holds zero" not in said


def test_where_a_class_is_too_rare_for_an_interval_of_the_mean_the_verdict_is_about_accuracy(tmp_path: Path) -> None:
    folder = runs.folder(tmp_path, "multiclass", [runs.judged("multiclass", 300)])
    assert read(folder).headline == "auroc"
    rows = msgspec.json.decode((folder / "metrics.json").read_bytes())
    lost = {"low": None, "high": None, "reason": "no interval: undefined in 523 of 1000 resamples"}
    (folder / "metrics.json").write_bytes(msgspec.json.encode([row | lost if row["metric"] == "auroc" else row for row in rows]))
    assert read(folder).headline == "accuracy" and "accuracy" in verdict(read(folder))[0].lower()


def test_a_number_that_was_not_compared_has_no_column_of_differences(tmp_path: Path) -> None:
    folder = runs.folder(tmp_path, "binary", [runs.judged("binary")])
    rows = msgspec.json.decode((folder / "metrics.json").read_bytes())
    bare = [row | {"p": None} for row in rows if not (row["against"] and row["metric"] == "brier")]
    (folder / "metrics.json").write_bytes(msgspec.json.encode(bare))
    page = render(folder)
    table = page[page.index("Paired differences on the same rows") :]
    table = table[: table.index("</table>")]
    assert "AUROC" in table and "Brier" not in table and "DeLong" not in table


def test_a_value_keeps_its_digits_on_one_line(tmp_path: Path) -> None:
    page = render(runs.folder(tmp_path, "binary", [runs.judged("binary")]))
    table = page[page.index("Verdict") : page.index("The test part: each value")]
    assert re.findall(r"<td>(?!<span>|–)", table) == [] and "td span, td strong { overflow-wrap: normal; }" in page


def test_a_count_of_thousands_keeps_its_digits_on_one_line() -> None:
    markup = html.table(["", "Rows"], [["train", "16,800"], ["test", "1,2 years"], ["tune", "900"]]).markup
    assert "<td><span>16,800</span></td>" in markup and "<td>1,2 years</td>" in markup and "<td>900</td>" in markup


def test_what_a_plain_model_chose_for_each_label_is_a_table_of_its_own(tmp_path: Path) -> None:
    told, chosen = runs.facts(), {"I10, model": "logistic", "I10, strength": "3.0", "a, b, model": "machine"}
    split = msgspec.structs.replace(told.splits[0], baselines=[BaselineFacts(name="baseline:tfidf", chosen=chosen)])
    told = msgspec.structs.replace(told, splits=[split])
    page = render(runs.folder(tmp_path / "run", "multilabel", [runs.judged("multilabel")], told))
    assert "of each of 2 labels, below" in page and "I10, " not in page
    assert re.search(r"I10</th>\s*<td>logistic</td>\s*<td>3.0</td>", page) and re.search(r">a, b</th>\s*<td>machine</td>", page)


def test_overlap_stands_before_the_verdict(tmp_path: Path) -> None:
    told = runs.facts(overlap="the given list has it so")
    page = render(runs.folder(tmp_path, "binary", [runs.judged("binary")], told))
    assert page.index("the given list has it so") < page.index("Verdict")


def test_a_run_that_opened_no_test_part_says_so_and_shows_tune(tmp_path: Path) -> None:
    page = render(runs.folder(tmp_path, "binary", [runs.judged("binary")], runs.facts(test_opened=False), part="tune"))
    assert "Only the tune part was evaluated" in page
    assert "The tune part: each value" in page
    assert "The test part: each value" not in page


def test_what_only_a_person_can_say_is_left_blank(tmp_path: Path) -> None:
    page = render(runs.folder(tmp_path, "binary", [runs.judged("binary")]))
    assert page.count('class="blank"') == len(HUMAN)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no curves\.json"):
        render(tmp_path)
    folder = runs.folder(tmp_path / "run", "binary", [runs.judged("binary")])
    (folder / "metrics.json").write_text('[{"model": 1}]')
    with pytest.raises(DataError, match="is not what a run writes"):
        render(folder)


def test_the_flow_is_told_by_group_and_few_people_are_not_told_apart(tmp_path: Path) -> None:
    page = render(runs.folder(tmp_path, "binary", [runs.judged("binary")]))
    table = page[page.index("The flow by group") :]
    shown = [re.sub(r"<[^>]*>", " ", row).split() for row in re.findall(r"<tr>(.*?)</tr>", table[: table.index("</table>")])]
    assert ["sex:", "male", "6,995", "12", "6,983", "99.8", "%"] in shown
    assert any(row[:3] == ["sex:", "not", "known"] and "<" in " ".join(row).replace("&lt;", "<") for row in shown)


def test_a_forecast_shows_each_time_ahead_and_the_rows_that_were_drawn(tmp_path: Path) -> None:
    fan = FanFacts(
        row_id="p1#3",
        quantity="HR",
        seen_at=[-60.0, -5.0, 0.0],
        seen=[71.0, 72.0, 70.0],
        at=[5.0, 10.0],
        levels=[0.1, 0.5, 0.9],
        quantiles=[[68.0, 70.0, 72.0], [66.0, 70.0, 74.0]],
        said=[70.0, 70.0],
        truth=[71.0, None],
    )
    told = runs.facts(("1",), fans=[fan])
    page = render(runs.folder(tmp_path / "run", "forecast", [runs.judged("forecast")], told))
    parsed(page)
    for words in ("Forecast of p1#3", "+5s", "+10s", "80.0 % of what comes", "Width of the interval", "80 %"):
        assert words in page
    assert "MAE" in page.partition("Verdict</h2>")[2][:400]


def test_events_of_a_label_are_told_of_the_rows_in_which_it_is_known(tmp_path: Path) -> None:
    those = runs.judged("multilabel")
    page = render(runs.folder(tmp_path / "run", "multilabel", [those]))
    target = those.cohort.target
    assert target is not None
    events, known = int(target.values[target.known[:, 0], 0].sum()), int(target.known[:, 0].sum())
    assert known < len(target.known) and re.search(rf"sepsis</th>\s*<td[^>]*>{events} of {known}</td>", page)


def test_units_that_were_dealt_by_size_are_told(tmp_path: Path) -> None:
    dealt = runs.study("binary", split={"unit": "scaffold", "order": "largest"})
    said = "a scaffold is in one part only; the largest fill train, then tune, then test, and nothing is drawn"
    assert said in render(runs.folder(tmp_path / "dealt", "binary", [runs.judged("binary")], as_run=dealt))
    assert "nothing is drawn" not in render(runs.folder(tmp_path / "drawn", "binary", [runs.judged("binary")]))
