"""Reports of single evaluations as parts of the leaderboard's page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lab.commands import application
from lab.commands.evaluate import application as evaluate
from lab.evaluation.reliability import reliability
from lab.evaluation.reports import ReportRefused, read_report, write_report
from lab.evaluation.sections.registry import SECTIONS, parts_of
from lab.reporting.markdown import interval
from lab.reporting.page import page_of_parts


def mean(value: float, width: float = 0.01) -> dict[str, float]:
    return {"mean": value, "low": value - width, "high": value + width, "users": 100}


def value(number: float) -> dict[str, float]:
    return {"value": number, "low": number - 0.02, "high": number + 0.02}


def way(size: int, loss: float) -> dict[str, Any]:
    return {
        "click_auc": 0.7 - loss, "click_auc_lost": mean(loss, 0.001), "weights_bytes": size, "graph_bytes": 9_000,
        "cpu_ms": 2.0, "times_smaller": 400_000 / size, "times_less_cpu": 1.0, "largest_change_of_p_click": 0.01,
    }  # fmt: skip


def size(parameters: int) -> dict[str, float]:
    return {
        "parameters": parameters, "held_out_click_auc": 0.7, "held_out_click_log_loss": 0.21, "gap_click_auc": 0.03,
        "weights_bytes": parameters * 4, "cpu_ms": 1.5,
    }  # fmt: skip


BINS = reliability(np.linspace(0.0, 1.0, 200), np.arange(200) % 2 == 0)
HEAD = {
    "positives": 2_000, "auc": value(0.7), "log_loss": value(0.2),
    "predicted_over_observed": [{"segment": "everything", "positives": 2_000, **value(1.01), "off": False}],
    "gain_over_one_task": {"auc": value(0.03), "user_auc": {"value": None, "low": None, "high": None}},
}  # fmt: skip
TASTE = {
    "page_p_click_if_seen": mean(0.08), "popularity_p_click_if_seen": mean(0.06), "difference": mean(0.02),
    "ratio": 1.333,
}  # fmt: skip
MEASURES = {"ndcg_100": mean(0.4), "recall_20": mean(0.3), "recall_50": mean(0.5)}
FIGURES: dict[str, dict[str, Any]] = {
    "pages": {"simulated": True, "users": 1_000, "release_id": "r1", "taste": TASTE},
    "ablation": {
        "held_out_pages": 900, "seeds": [1, 2], "log_loss": 0.2,
        "gain_in_log_loss": {"without_text": mean(-0.02), "without_pictures": mean(0.02), "without_history": mean(0.0)},
    },
    "history-ablation": {
        "held_out_targets": 900, "candidates": 50, "seeds": [1], "ndcg_10": mean(0.3), "log_loss": mean(2.1),
        "popularity_ndcg_10": mean(0.2), "gain": {"history": {"ndcg_10": mean(0.1), "log_loss": mean(0.2)}},
    },
    "heads": {"held_out_impressions": 9_000, "click": HEAD, "purchase": HEAD},
    "impressions": {
        "held_out": {
            "impressions": 9_000, "clicks": 200, "purchases": 20, "measures": {"click_auc": value(0.7)},
            "calibration": [{"head": "click", "segment": "everything", "observed": 200, "ratio": value(1.0)}],
        },
        "reliability": {"click": BINS},
    },
    "cold-items": {"withheld_items": 100, "auc": {"all": {**mean(0.6), "impressions": 5_000, "clicks": 300}}},
    "scaling": {"held_out_impressions": 9_000, "sizes": {"8": size(1_000), "64": size(90_000)}},
    "compression": {"held_out_impressions": 9_000, "ways": {"none": way(400_000, 0.0), "int8": way(110_000, 0.001)}},
    "large": {
        "parameters": 10**9, "items": 15_625_000, "shards": 16, "rows_touched": 9_000, "loss": 4.1,
        "files": [2**30, 2**30], "seconds": {"built": 12.0}, "peak_bytes": 6 * 2**30,
    },
    "images": {
        "pictures": 3_000, "classes": 10, "accuracy": mean(0.9), "map_at_10_gain": mean(0.1), "reliability": BINS,
    },
    "fashion": {
        "pictures": 55_000, "held_out": {"accuracy": mean(0.94)}, "test": {"accuracy": mean(0.93)}, "reliability": BINS,
    },
    "strong-generalisation": {
        "judges": 300, "users": 600, "splits": 5,
        "models": {
            "ease": {"measures": MEASURES, "above_ease": MEASURES},
            "popularity": {"measures": MEASURES, "above_ease": {"ndcg_100": mean(-0.1)}},
        },
    },
    "ratings": {"without_propensities": value(1.27), "with_propensities": value(1.10), "gain": value(0.17)},
}  # fmt: skip


def written(folder: Path, evaluation: str, name: str = "") -> Path:
    path = folder / f"{name or evaluation}.json"
    write_report(path, evaluation, FIGURES[evaluation])
    return path


@pytest.mark.parametrize("evaluation", list(SECTIONS))
def test_every_report_becomes_a_part_with_its_figures(evaluation: str, tmp_path: Path) -> None:
    _, parts = parts_of([written(tmp_path, evaluation)])
    page = page_of_parts("Which model serves best", "Head.", parts)
    assert len(parts) == 1
    assert page.count("<svg") == len(parts[0].plots)
    assert (evaluation == "large") != bool(parts[0].plots)
    assert "<table>" in page and "<td>None" not in page
    assert "pytest" in page or "cores" in page  # where the figures come from


def test_every_evaluation_with_a_part_is_a_command() -> None:
    commands = {each.name for each in evaluate.registered_commands}
    assert set(SECTIONS) <= commands


def test_two_reports_of_pages_are_before_and_after(tmp_path: Path) -> None:
    _, (part,) = parts_of([written(tmp_path, "pages", "before"), written(tmp_path, "pages", "after")])
    assert part.markdown.index("| before |") < part.markdown.index("| after |")
    assert len(part.plots) == 1


def test_several_reports_of_one_evaluation_are_told_apart(tmp_path: Path) -> None:
    _, (part,) = parts_of([written(tmp_path, "ablation", "boutique"), written(tmp_path, "ablation", "beauty")])
    assert part.markdown.index("**boutique**") < part.markdown.index("**beauty**")
    assert [title for title, _ in part.plots] == [
        "What each input is worth (boutique)", "What each input is worth (beauty)",
    ]  # fmt: skip


def test_an_input_helps_only_where_the_interval_says_so(tmp_path: Path) -> None:
    _, (part,) = parts_of([written(tmp_path, "ablation")])
    said = {
        line.split("|")[1].strip(): line.split("|")[3].strip() for line in part.markdown.splitlines() if "(" in line
    }
    assert said == {"text": "it hurts", "pictures": "yes", "history": "not shown"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[1]", "which evaluation"),
        ('{"auc": 1}', "which evaluation"),
        ('{"evaluation": "freshness"}', "shows nothing"),
        ('{"evaluation": "cold-items", "auc": {}}', "as `vitrine evaluate cold-items` writes it"),
    ],
)
def test_what_is_no_report_is_refused_with_file_reason_and_remedy(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportRefused) as refused:
        parts_of([path])
    told = str(refused.value)
    assert "odd" in told and says in told
    assert "--report" in told or "give reports of" in told


def test_a_missing_report_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    asked = ["evaluate", "leaderboard", "--data", tmp_path, "--report", tmp_path / "page.html"]
    result = CliRunner().invoke(application, [str(each) for each in (*asked, "--with", tmp_path / "absent.json")])
    assert result.exit_code != 0
    assert "absent.json" in str(result.exception) + result.output
    assert not (tmp_path / "page.html").exists()


def test_a_page_of_reports_alone(tmp_path: Path) -> None:
    page, report = tmp_path / "page.html", written(tmp_path, "ablation")
    asked = ["evaluate", "leaderboard", "--only", "nothing", "--data", tmp_path, "--report", page, "--with", report]
    result = CliRunner().invoke(application, [str(each) for each in asked], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "What each input of the fusion model is worth" in page.read_text("utf-8")
    found = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert found["reports"]["ablation"]["gain_in_log_loss"] == FIGURES["ablation"]["gain_in_log_loss"]


def test_a_report_says_where_it_comes_from_and_holds_no_number_that_json_has_not(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ratings.json"
    write_report(path, "ratings", {"biases": {"value": 1.0, "low": float("nan"), "high": float("inf")}})
    found = read_report(path)
    assert found.evaluation == "ratings"
    assert set(found.figures) == {"evaluation", "command", "date", "machine", "biases"}
    assert found.figures["biases"] == {"value": 1.0, "low": None, "high": None}


def test_intervals_are_written_without_the_zero_before_the_point_alone() -> None:
    assert interval({"mean": 0.5, "low": -0.25, "high": 10.5}, 2) == ".50 (-.25 to 10.50)"
    assert interval({"value": 0.5, "low": -0.25, "high": 0.75}, 2, signed=True) == "+.50 (-.25 to +.75)"
    assert interval({"value": 20.05}, 2) == "20.05"
    assert interval(None) == interval({"mean": None}) == ""


def test_bins_hold_equally_many_and_their_intervals_what_happened() -> None:
    said = np.repeat([0.1, 0.4], 500)
    happened = np.concatenate([np.arange(500) < 50, np.arange(500) < 300])
    low, high = reliability(said, happened, bins=2)
    assert (low["said"], low["happened"], low["count"]) == (0.1, 0.1, 500)
    assert (high["said"], high["happened"]) == (0.4, 0.6)
    assert low["low"] < 0.1 < low["high"]
    assert not high["low"] <= high["said"] <= high["high"]
    never = reliability(np.full(20, 0.01), np.zeros(20, bool), bins=1)[0]
    assert never["low"] == 0.0 < never["high"] < 0.2
    assert reliability(np.empty(0), np.empty(0, bool)) == []
