"""The tables of preparation, start and the data doctor in the documentation."""

from __future__ import annotations

from benchmarks.page import into_page

MADE = {
    "benchmark": "start",
    "date": "2026-11-21T09:00:00+00:00",
    "command": "start.py --rounds 2 --json /somewhere/start.json",
    "machine": {"cores": 4, "cpu": "AMD EPYC", "flags": ["avx2"], "load": 1.2},
    "rows": 50,
    "medians": {"ours": {"cpu": 2.0, "seconds": 3.0}, "trl": {"cpu": 5.0, "seconds": 7.5}},
    "ratios": {"process start to first step": [0.4, 0.35, 0.45]},
    "runs": {"ours": [{}, {}], "trl": [{}, {}]},
}


def test_a_measurement_replaces_its_own_tables_and_no_others():
    page = "a\n<!-- prepare -->\nold\n<!-- /prepare -->\n<!-- start -->\nold\n<!-- /start -->\nz\n"
    made = into_page(page, [MADE])
    assert "<!-- prepare -->\nold\n<!-- /prepare -->" in made
    assert made.count("old") == 1
    assert "| ours | 3.00 | 2.00 |" in made
    assert "| process start to first step | 0.40 × (0.35–0.45) | ≤ 0.5 |" in made
    assert "medians of 2 rounds" in made
    assert "`python benchmarks/start.py --rounds 2`" in made
    assert into_page(made, [MADE]) == made


def test_the_doctor_s_tables_hold_every_file_and_every_bar():
    tool = {
        "cpu_ratio": 5.0, "wall_ratio": 4.5, "cpu_mb_s": 600.0, "wall_mb_s": 590.0, "rss_mb": 120.0,
        "child_mb": 0.0, "rows": 12345, "rounds": 5, "tier": "compiled",
    }  # fmt: skip
    bar = {"file": "chat", "tool": "doctor_full_1", "peer": "cookbook_published",
           "measure": "cpu", "target": 2.0, "got": 5.0, "met": True}  # fmt: skip
    made = {
        **{name: MADE[name] for name in ("date", "machine")},
        "benchmark": "validate",
        "command": "validate.py --data /somewhere --rounds 5 --json /somewhere/validate.json",
        "results": [
            {"file": "chat", "mb": 1000.0, "reference": "cookbook_stream",
             "tools": {"doctor_full_1": tool, "doctor_full_4": {**tool, "tier": "numpy"}}},
        ],
        "targets": [bar],
    }  # fmt: skip
    page = into_page("a\n<!-- validate -->\nold\n<!-- /validate -->\nz\n", [made])
    assert "old" not in page
    assert "| doctor_full_1 | 5 | 5.00 × | 4.50 × | 590 | 120 |  | 12,345 |" in page
    assert "| doctor_full_4 (numpy) |" in page
    assert "| chat | doctor_full_1 ÷ cookbook_published, cpu | 5.00 × | ≥ 2.0 | yes |" in page
    assert "`python benchmarks/validate.py --rounds 5`" in page
