"""The tables of preparation and start in the documentation."""

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
