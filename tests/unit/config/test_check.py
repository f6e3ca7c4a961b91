"""The config is checked whole: each finding names its field, and all come at once."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ft_runtime.config import Config, check_config, load_config, parse_text
from ft_runtime.config.defaults import lookup
from ft_runtime.config.depth import MOST
from ft_runtime.findings import FindingsError

SPECIFIED = """
provider: hf_hub
model_id: mistralai/Mistral-7B-Instruct-v0.3
tune_type: qlora
hyperparams: {learning_rate: 2.0e-4, num_epochs: 1, batch_size_train: 8, gradient_accumulation: 2, warmup_ratio: 0.03, max_seq_len: 2048}
seed: 42
dataset: {source: hf_dataset_id, id: samsum, format: jsonl_instr, split: {train: 0.98, val: 0.02}}
eval: {metrics: [rouge]}
logs: tensorboard
hw: {device: auto, mixed_precision: bf16}
artifacts: {output_dir: outputs/run_001}
"""


def document(**changes: Any) -> dict[str, Any]:
    """A minimal valid document with dotted changes (``a__b=1`` sets a.b)."""
    base: dict[str, Any] = {
        "model_id": "m",
        "dataset": {"path": "rows.jsonl", "format": "jsonl_prompt"},
    }
    for path, value in changes.items():
        *sections, name = path.split("__")
        target = base
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = value
    return base


def codes(given: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item.code, item.where) for item in check_config(given)[1]]


def test_the_specified_document_loads_with_one_warning():
    config, findings = check_config(parse_text(SPECIFIED))
    assert [(item.severity, item.code) for item in findings] == [
        ("warning", "config.columns_assumed")
    ]
    assert "instruction/input/output" in findings[0].message
    assert config is not None
    assert config.hyperparams.learning_rate == 2e-4
    assert config.dataset.split.to_dict() == {
        "train": 0.98,
        "val": 0.02,
        "test": 0.0,
        "strategy": "random",
    }
    assert config.qlora.bnb_4bit_quant_type == "nf4"


def test_defaults_follow_the_task_and_the_method():
    full = load_config(document(tune_type="full"))
    assert full.hyperparams.learning_rate == 2e-5
    assert full.lora is None
    assert "lora" not in full.to_dict()
    labels = load_config(document(dataset__format="csv_classification"))
    assert labels.eval.metrics == ["accuracy", "f1"]
    assert labels.dataset.split.strategy == "stratified"
    assert labels.task == "classification"
    assert load_config(document()).eval.metrics == ["perplexity", "rouge"]


@pytest.mark.parametrize("tune_type", ["full", "lora", "qlora"])
@pytest.mark.parametrize(
    "extra", [{}, {"qlora": {"bits": 8}}, {"dataset__path": {"train": "a", "test": "b"}}]
)
def test_a_completed_config_is_valid_and_complete(tune_type: str, extra: dict[str, Any]):
    if "qlora" in extra and tune_type != "qlora":
        extra = {}
    config = load_config(document(tune_type=tune_type, **extra))
    again, findings = check_config(parse_text(config.to_yaml()))
    assert findings == []
    assert again == config
    assert again.to_yaml() == config.to_yaml()  # 1 and 1.0 are equal, and not the same bytes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model_id": "  "}, ("config.empty", "model_id")),
        ({"model_id": 3}, ("config.wrong_type", "model_id")),
        ({"tune_type": "Lora"}, ("config.not_allowed", "tune_type")),
        ({"lora__r": 0}, ("config.out_of_range", "lora.r")),
        ({"lora__dropout": 1}, ("config.out_of_range", "lora.dropout")),
        ({"lora__target_modules": []}, ("config.wrong_shape", "lora.target_modules")),
        ({"hyperparams__num_epochs": "2"}, ("config.wrong_type", "hyperparams.num_epochs")),
        (
            {"hyperparams__batch_size_train": 0},
            ("config.out_of_range", "hyperparams.batch_size_train"),
        ),
        (
            {"hyperparams__learning_rate": math.nan},
            ("config.not_finite", "hyperparams.learning_rate"),
        ),
        ({"seed": True}, ("config.wrong_type", "seed")),
        ({"seed": -1}, ("config.out_of_range", "seed")),
        ({"dataset__columns": {"foo": "x"}}, ("config.unknown_column", "dataset.columns")),
        ({"dataset__columns": {"messages": "x"}}, ("config.columns_prompt", "dataset.columns")),
        ({"dataset__path": None}, ("config.path_missing", "dataset.path")),
        ({"dataset__source": "hf_dataset_id"}, ("config.id_missing", "dataset.id")),
        ({"dataset__source": "hf_dataset_id"}, ("config.path_with_hub", "dataset.path")),
        ({"dataset__id": "a/b"}, ("config.id_with_path", "dataset.id")),
        ({"dataset__split": {"train": 0.8}}, ("config.split_sum", "dataset.split")),
        (
            {"dataset__split": {"train": 0, "val": 1}},
            ("config.split_no_train", "dataset.split.train"),
        ),
        ({"dataset__split": {"train": 1}}, ("config.split_no_held_out", "dataset.split")),
        (
            {"dataset__split__strategy": "stratified"},
            ("config.stratified_needs_labels", "dataset.split.strategy"),
        ),
        (
            {"dataset__path": {"train": "a"}, "dataset__split": {"train": 1}},
            ("config.split_with_files", "dataset.split"),
        ),
        ({"eval__metrics": ["accuracy"]}, ("config.metrics_generation", "eval.metrics")),
        (
            {"eval__metrics": ["rouge"], "dataset__format": "csv_classification"},
            ("config.metrics_classification", "eval.metrics"),
        ),
        (
            {"hyperparams__packing": True, "dataset__format": "csv_classification"},
            ("config.packing_classification", "hyperparams.packing"),
        ),
        ({"tune_type": "full", "lora": {}}, ("config.lora_without_lora", "lora")),
        ({"qlora": {}}, ("config.qlora_without_qlora", "qlora")),
        ({"tune_type": "qlora", "hw__device": "mps"}, ("config.qlora_on_mps", "hw.device")),
        (
            {"tune_type": "qlora", "lora__init_lora_weights": "pissa"},
            ("config.qlora_quantised_init", "lora.init_lora_weights"),
        ),
        (
            {"tune_type": "qlora", "qlora": {"bits": 8, "bnb_4bit_quant_type": "fp4"}},
            ("config.four_bit_field", "qlora.bnb_4bit_quant_type"),
        ),
        (
            {"tune_type": "full", "hyperparams__learning_rate": 2e-4},
            ("config.high_learning_rate", "hyperparams.learning_rate"),
        ),
        (
            {"tune_type": "full", "artifacts__merge": True},
            ("config.merge_without_adapter", "artifacts.merge"),
        ),
        ({"artifacts__push_to_hub": True}, ("config.push_needs_repo", "artifacts.hub_model_id")),
        (
            {"hw": {"device": "cpu", "mixed_precision": "fp16"}},
            ("config.fp16_on_cpu", "hw.mixed_precision"),
        ),
        ({"schema_version": 99}, ("config.newer_version", "schema_version")),
        ({"model_id": "a\ud800"}, ("config.bad_text", "model_id")),
        ({"logs": object()}, ("config.wrong_type", "logs")),
        ({"hyperparams": None}, ("config.no_value", "hyperparams")),
        ({"dataset__format": ["jsonl_chat"]}, ("config.wrong_shape", "dataset.format")),
    ],
)
def test_each_mistake_gives_its_finding(changes: dict[str, Any], expected: tuple[str, str]):
    found = codes(document(**changes))
    assert expected in found, found


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("learning_rate", "hyperparams.learning_rate"),
        ("lr", "hyperparams.learning_rate"),
        ("tune_typ", "tune_type"),
        ("per_device_train_batch_size", "hyperparams.batch_size_train"),
        ("max_seq_length", "hyperparams.max_seq_len"),
        ("lora_alpha", "lora.alpha"),
        ("datasets", "dataset"),
        ("output-dir", "artifacts.output_dir"),
    ],
)
def test_an_unknown_key_names_its_neighbour(key: str, nearest: str):
    (item,) = check_config({**document(), key: 1})[1]
    assert item.code == "config.unknown_key"
    assert nearest in item.hint


def test_a_key_like_nothing_lists_the_fields():
    (item,) = check_config({**document(), "zzzzqqq": 1})[1]
    assert item.code == "config.unknown_key_no_neighbour"
    assert "model_id" in item.hint


def test_all_findings_come_at_once_and_the_error_carries_them():
    broken = document(tune_type="Lora", lora__r=0, hyperparams__lr=1, eval__metrics=["f1"])
    with pytest.raises(FindingsError) as caught:
        load_config(broken)
    assert {item.where for item in caught.value.findings} == {
        "tune_type",
        "lora.r",
        "hyperparams.lr",
        "eval.metrics",
    }
    assert all(item.hint for item in caught.value.findings)
    assert "\n".join(caught.value._render_traceback_()) == str(caught.value)


def test_a_config_is_read_only_and_tells_a_wrong_name():
    config = load_config(document())
    with pytest.raises(AttributeError, match="read-only"):
        config.seed = 1
    with pytest.raises(AttributeError, match="no field 'sed'"):
        _ = config.sed
    config.to_dict()["seed"] = 1
    config.eval.metrics.append("bleu")
    assert config.seed == 42
    assert config.eval.metrics == ["perplexity", "rouge"]


def test_lookup_of_a_path_through_a_value_is_none():
    assert lookup({"a": 1}, "a.b") is None


def test_check_leaves_the_document_as_it_was():
    given = document(lora__r=8.0)
    before = repr(given)
    assert load_config(given).lora.r == 8
    assert repr(given) == before


def test_config_survives_pickling():
    import pickle

    config = load_config(document())
    assert pickle.loads(pickle.dumps(config)) == config
    assert isinstance(pickle.loads(pickle.dumps(config.lora)), Config)


def test_a_section_without_content_sets_off_no_rule_about_what_is_in_it():
    assert codes({"model_id": "m", "dataset": None}) == [("config.no_value", "dataset")]
    assert codes(document(tune_type="qlora") | {"lora": 3}) == [("config.wrong_type", "lora")]


def test_a_value_of_the_wrong_type_is_told_once():
    assert codes(document(hyperparams__max_seq_len=2.5)) == [
        ("config.wrong_type", "hyperparams.max_seq_len")
    ]


def test_lists_and_mappings_in_the_wrong_place_get_an_example():
    _, (path, targets) = check_config(document(dataset__path=["a"], lora__target_modules=[]))
    assert {path.code, targets.code} == {"config.wrong_shape"}
    assert "quotes" not in path.hint + targets.hint
    assert 'lora.target_modules: "all-linear"' in path.hint + targets.hint


def test_an_entry_named_twice_is_called_that():
    _, (item,) = check_config(document(eval__metrics=["rouge", "rouge"]))
    assert (item.code, item.where) == ("config.repeated", "eval.metrics")
    _, (item,) = check_config(document(lora__target_modules=["q_proj", "q_proj"]))
    assert (item.code, item.where) == ("config.repeated", "lora.target_modules")


def test_what_may_be_of_several_kinds_is_judged_by_the_kind_that_it_is():
    assert codes(document(dataset__path={"val": "b.jsonl"})) == [
        ("config.missing", "dataset.path.train")
    ]
    assert codes(document(dataset__path={"train": 1})) == [
        ("config.wrong_type", "dataset.path.train")
    ]
    assert codes(document(dataset__path={"train": "a", "other": "b"})) == [
        ("config.wrong_shape", "dataset.path")
    ]


def nested(levels: int, kind: type) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if kind is dict else [value]
    return value


@pytest.mark.parametrize("kind", [dict, list])
@pytest.mark.parametrize("levels", [MOST, 500, 50_000])
def test_what_is_nested_absurdly_deep_is_named(kind: type, levels: int):
    options = {"lr_scheduler_kwargs": nested(levels - 1, kind), "num_epochs": [1]}
    given = {"hyperparams": options, "oops": nested(levels, kind), "seed": [1]}
    config, findings = check_config(given)
    assert config is None
    assert [(item.code, item.where) for item in findings] == [
        ("config.too_deep", "hyperparams.lr_scheduler_kwargs"),
        ("config.too_deep", "oops"),
    ]


def test_what_is_as_deep_as_allowed_goes_through_everything():
    given = document(hyperparams__lr_scheduler_kwargs=nested(MOST - 2, dict))
    config, findings = check_config(given)
    assert config is not None, findings
    assert parse_text(config.to_yaml()) == config.to_dict()


def test_what_holds_itself_is_too_deep():
    round_and_round: list[Any] = []
    round_and_round += [round_and_round, round_and_round]
    assert [item.code for item in check_config({"x": round_and_round})[1]] == ["config.too_deep"]


def test_a_newer_version_is_told_before_what_it_may_have_brought():
    found = codes(document(schema_version=2, new_field=1))
    assert found[0] == ("config.newer_version", "schema_version")


def test_foreign_text_leaves_the_sentence_around_it_whole():
    _, (value, key) = check_config(document(seed="1\u202e2") | {"k\u202e" + "x" * 100_000: 1})
    if value.code != "config.wrong_type":
        value, key = key, value
    assert "\\u202e" in value.message
    assert "\u202e" not in value.message + key.message + key.where
    assert max(map(len, (key.message, key.where, value.message))) < 1000


def test_inits_that_read_the_base_weights_need_them_unquantised():
    for kind in ("pissa", "olora", "orthogonal"):
        given = document(tune_type="qlora", lora__init_lora_weights=kind)
        assert codes(given) == [("config.qlora_quantised_init", "lora.init_lora_weights")]
