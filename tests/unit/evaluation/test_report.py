import json

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.metrics.mean import as_sums, mean
from ft_runtime.evaluation.report import EvaluationReport, ExampleRow, shorten
from ft_runtime.evaluation.verdict import metric_row
from ft_runtime.findings import finding

HOSTILE = '<script>alert("x")</script>\u2028{{ }} %% \\ & \'"""'


def a_report(**changes):
    statistic = Statistic("rougeL", True, "sig", as_sums([0.1] * 8), as_sums([0.6] * 8), mean, 0.3)
    fields = {
        "task": "causal_lm",
        "held_out": "val",
        "rows_held_out": 40,
        "sample_rows": [3, 5, 8],
        "metrics": [metric_row(statistic, 100, 1)],
        "examples": [ExampleRow(3, HOSTILE, "r" * 1000, "b", "t")],
        "notes": [HOSTILE],
        "settings": {"seed": 1},
        "timings": {"seconds": 12.5},
    }
    return EvaluationReport(**{**fields, **changes})


def test_plain_data_survives_json_whole_and_carries_no_time():
    plain = a_report().to_dict()
    again = json.loads(json.dumps(plain))
    assert again == plain
    assert again["examples"][0]["prompt"] == HOSTILE
    assert len(again["examples"][0]["reference"]) == 1000
    assert "12.5" not in json.dumps(plain)
    assert again["metrics"][0]["verdict"] == "better"
    assert again["metrics"][0]["sentence"].startswith("rougeL: base 0.1, tuned 0.6")


def test_text_shows_every_column_and_the_verdict():
    shown = repr(a_report())
    for part in ("rougeL ↑", "0.1", "0.6", "+0.5", "better", "95 % interval", "3 of 40"):
        assert part in shown
    assert "majority class" in shown


def test_html_escapes_what_came_from_the_data():
    html = a_report()._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "(+760)" in html


def test_an_empty_report_says_that_nothing_was_evaluated():
    report = EvaluationReport("causal_lm", None, 0, findings=[finding("evaluation.no_rows")])
    assert "Nothing was evaluated" in repr(report)
    assert "dataset.split.val" in repr(report)
    assert "Nothing was evaluated" in report._repr_html_()
    assert report.to_dict()["metrics"] == []


def test_metric_by_name():
    report = a_report()
    assert report.metric("rougeL") is report.metrics[0]


def test_shorten_tells_how_much_is_missing():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcdef", 3) == "abc … (+3)"
