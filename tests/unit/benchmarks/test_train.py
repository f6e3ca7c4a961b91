"""The pieces of the training benchmark: the workload, the arithmetic of the table, the verdicts."""

from __future__ import annotations

import math
import statistics

import pytest

from benchmarks import bars, report, tables
from benchmarks.peers import HERE, PEERS
from benchmarks.variants.registry import FASTEST_TRL, VARIANTS, chosen
from benchmarks.workload import SPECIAL, Shape, make_rows, padding_share


def result(variant, number, speed=100.0, memory=1000.0, loss=2.0, seed=0, first=10.0, cpu=20.0):
    return {
        "variant": variant,
        "round": number,
        "seed": seed,
        "tokens_per_second": speed,
        "seconds": 1000 / speed,
        "cpu_seconds": cpu,
        "memory_mib": memory,
        "first_step_seconds": first,
        "final_loss": loss,
        "held_out_loss": loss,
    }


class TestWorkload:
    def test_the_same_seed_gives_the_same_rows_and_another_seed_others(self):
        assert make_rows(Shape()) == make_rows(Shape())
        assert make_rows(Shape()) != make_rows(Shape(seed=1))
        assert Shape().digest() != Shape(seed=1).digest()

    def test_more_rows_begin_with_the_same(self):
        few, _ = make_rows(Shape(rows=20, held_out=0))
        many, _ = make_rows(Shape(rows=40, held_out=0))
        assert many[:20] == few

    def test_lengths_are_those_that_the_table_speaks_of(self):
        rows, held_out = make_rows(Shape(rows=4000, held_out=8))
        lengths = [row.tokens for row in rows]
        assert len(rows) == 4000
        assert len(held_out) == 8
        assert min(lengths) >= 16
        assert max(lengths) <= 1024
        assert statistics.mean(lengths) == pytest.approx(180, rel=0.05)
        logs = [math.log(length) for length in lengths]
        assert statistics.stdev(logs) == pytest.approx(0.8, rel=0.1)

    def test_text_and_ids_of_a_row_agree(self):
        row = make_rows(Shape())[0][0]
        texts, encoded = row.texts(), row.encoded()
        words = (texts["prompt"] + texts["completion"]).split()
        ids = [int(word[1:]) + len(SPECIAL) for word in words]
        assert encoded["input_ids"] == [*ids, SPECIAL.index("</s>")]
        assert len(encoded["labels"]) == len(encoded["attention_mask"]) == row.tokens
        supervised = [label for label in encoded["labels"] if label != -100]
        assert supervised == encoded["input_ids"][-row.supervised :]
        assert max(encoded["input_ids"]) < Shape().vocabulary

    def test_padding_share(self):
        # Batches (4, 2) and (1): 8 + 1 places for 7 tokens.
        assert padding_share([4, 2, 1], 2) == pytest.approx(1 - 7 / 9)


class TestTable:
    def test_ratios_are_taken_round_by_round(self):
        results = [
            result("trl", 0, speed=100, memory=1000),
            result("ours", 0, speed=900, memory=300),
            result("trl", 1, speed=50, memory=1000),
            result("ours", 1, speed=500, memory=400),
            result("ours", 2, speed=1, memory=1),
            {"variant": "trl", "round": 2, "seed": 0, "error": "died"},
        ]
        assert tables.paired(results, "ours", "trl", "tokens_per_second") == [9.0, 10.0]
        trl, ours = tables.summary(results, ["trl", "ours"])
        assert ours["speed_ratio"] == {"median": 9.5, "low": 9.0, "high": 10.0, "n": 2}
        assert ours["memory_ratio"]["median"] == pytest.approx(0.35)
        assert trl["rounds"] == 2
        assert trl["error"] == "died"
        assert ours["rounds"] == 3

    def test_a_variant_that_never_ran_is_in_the_table_with_its_reason(self):
        results = [
            result("trl", 0),
            {"variant": "axolotl", "round": 0, "seed": 0, "error": "no GPU"},
        ]
        lines = tables.summary(results, ["trl", "axolotl"])
        table = tables.markdown(lines, {"trl": "TRL", "axolotl": "axolotl"})
        assert "| axolotl | not measured: no GPU |" in table

    def test_fastest_leaves_out_what_did_not_run(self):
        results = [
            result("trl", 0, speed=100),
            result("trl-packing", 0, speed=300),
            {"variant": "trl-grouped", "round": 0, "seed": 0, "error": "died"},
        ]
        lines = tables.summary(results, list(FASTEST_TRL))
        assert tables.fastest(lines, FASTEST_TRL) == "trl-packing"
        assert tables.fastest(lines, ("unsloth",)) is None


class TestSameLoss:
    def results(self, shift):
        losses = {0: 2.00, 1: 2.03, 2: 2.06}
        both = [result("trl", seed, loss=loss, seed=seed) for seed, loss in losses.items()]
        return both + [
            result("ours", seed, loss=loss + shift, seed=seed) for seed, loss in losses.items()
        ]

    def test_the_same_when_the_difference_is_below_the_noise_of_the_seeds(self):
        verdict = tables.same_loss(self.results(0.01))
        assert verdict["noise"] == pytest.approx(0.03)
        assert verdict["mean_difference"] == pytest.approx(0.01)
        assert verdict["same"] is True

    @pytest.mark.parametrize("shift", [0.05, -0.05])
    def test_not_the_same_when_it_is_above(self, shift):
        assert tables.same_loss(self.results(shift))["same"] is False

    def test_one_seed_gives_no_verdict(self):
        results = [result("trl", 0), result("ours", 0)]
        assert tables.same_loss(results)["same"] is None


class TestBars:
    def found(self, tune="lora", speed=700.0, memory=400.0):
        results = [
            result("trl", 0, speed=100, memory=1000, first=20),
            result("trl-packing", 0, speed=250),
            result("unsloth", 0, speed=400),
            result("ours", 0, speed=speed, memory=memory, first=11),
        ]
        lines = tables.summary(results, ["trl", "trl-packing", "unsloth", "ours"])
        return {bar["bar"]: bar for bar in bars.bars(results, lines, tune)}

    def test_each_bar_is_got_aim_met(self):
        found = self.found()
        assert found["speed, × TRL default"]["got"] == 7.0
        assert found["speed, × TRL default"]["met"]
        assert found["speed, × fastest TRL (trl-packing)"]["got"] == pytest.approx(2.8)
        assert not found["speed, × fastest Unsloth (unsloth)"]["met"]
        assert found["memory, × TRL default"]["met"]
        assert not found["start to first step, × TRL"]["met"]

    def test_just_short_is_not_met(self):
        found = self.found(speed=699.0, memory=401.0)
        assert not found["speed, × TRL default"]["met"]
        assert not found["memory, × TRL default"]["met"]

    def test_full_fine_tuning_aims_at_three_times_and_at_trl_alone(self):
        found = self.found("full", speed=300.0)
        assert found["speed, × TRL default"]["aim"] == 3.0
        assert found["speed, × TRL default"]["met"]
        assert not any("Unsloth" in name for name in found)


class TestVariants:
    def test_names_are_unique_and_peers_have_a_list_of_requirements(self):
        assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
        for variant in VARIANTS:
            assert not variant.peer or variant.peer in PEERS
        for peer in PEERS:
            lines = (HERE / f"{peer}.txt").read_text(encoding="utf-8").splitlines()
            pins = [line for line in lines if line and not line.startswith("#")]
            assert pins
            assert all("==" in pin for pin in pins)
            # torch comes first and alone, or CUDA comes along.
            assert not any(pin.startswith(("torch==", "nvidia-cu")) for pin in pins)

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(SystemExit, match="no such variant"):
            chosen(["trll"], "lora")


class TestPage:
    def test_tables_of_the_page_are_replaced_and_the_rest_stays(self):
        results = [result("trl", n, seed=n) for n in range(2)]
        results += [result("ours", n, speed=800, seed=n) for n in range(2)]
        lines = tables.summary(results, ["ours", "trl"])
        made = {
            "tune": "lora",
            "date": "2026-01-02",
            "command": "python benchmarks/train.py",
            "machine": {"cores": 4, "cpu": "X", "flags": ["avx2"], "gpu": "", "load": 3.2},
            "settings": {"threads": 2},
            "versions": {"torch": "2.0"},
            "summary": lines,
            "bars": bars.bars(results, lines, "lora"),
            "same_loss": tables.same_loss(results),
        }
        page = f"before\n{report.OPEN}\nold\n{report.CLOSE}\nafter\n"
        once = report.into_page(page, [made])
        assert once.startswith("before\n")
        assert once.endswith("\nafter\n")
        assert "old" not in once
        assert "2026-01-02, 4 CPU cores (X; avx2)" in once
        assert "| 8.00 (8.00–8.00) | 800 |" in once
        assert report.into_page(once, [made]) == once
