import json
import math
import socket

import pytest
import sacrebleu
import sklearn.metrics
import torch

import ft_runtime as ft
from ft_runtime.evaluation import evaluate
from ft_runtime.evaluation.state import inner
from ft_runtime.evaluation.text_task import prompt_ids
from support.tuned import learn, made_up_row, tuned


@pytest.fixture
def make(tmp_path):
    """Make runs whose folders are let go at the end."""
    made = []

    def one(*args, **options):
        made.append(tuned(tmp_path, *args, **options))
        return made[-1]

    yield one
    for item in made:
        item.run.close()


def ask(made, run=None):
    return evaluate(made.config, made.model, made.tokenizer, made.data, run)


def by_hand(model, rows):
    """Perplexity from the model's own loss, one row at a time."""
    total = count = 0.0
    for row in rows:
        labels = torch.tensor([row["labels"]])
        with torch.no_grad():
            loss = model(input_ids=torch.tensor([row["input_ids"]]), labels=labels).loss
        n = int((labels[:, 1:] != -100).sum())
        total, count = total + float(loss) * n, count + n
    return math.exp(total / count)


@pytest.mark.parametrize("format", ["jsonl_chat", "jsonl_instr", "jsonl_prompt"])
def test_numbers_of_a_lora_agree_with_independent_ones(make, format):
    made = make("lora", format)
    report = ask(made, made.run)
    rows = made.data.val.to_list()
    made.model.eval()
    with made.model.disable_adapter():
        base = by_hand(made.model, rows)
    assert report.metric("perplexity").base == pytest.approx(base, rel=1e-4)
    assert report.metric("perplexity").tuned == pytest.approx(by_hand(made.model, rows), rel=1e-4)
    assert report.metric("perplexity").n == 20
    assert report.metric("bleu").n == 8
    assert report.rows_held_out == 20
    assert len(report.sample_rows) == 8
    assert set(report.sample_rows) <= {row["row"] for row in rows}
    assert len(report.examples) == 5
    assert {row.row for row in report.examples} <= set(report.sample_rows)
    assert {row.name for row in report.metrics} == {
        "perplexity",
        "rouge1",
        "rouge2",
        "rougeL",
        "bleu",
        "exact_match",
    }


def test_answers_and_their_scores_agree_with_plain_generate(make):
    made = make("lora", eval={"max_rows": 5})
    report = ask(made)
    made.model.eval()
    examples = {example.row: example for example in made.data.examples["val"]}
    answers, references = [], []
    for number in report.sample_rows:
        ids = made.tokenizer.apply_chat_template(
            examples[number].messages[:-1],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )["input_ids"]
        with torch.no_grad():
            output = made.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=12,
                do_sample=False,
            )
        answers.append(made.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True))
        references.append(examples[number].messages[-1]["content"])
    assert [row.row for row in report.examples] == report.sample_rows
    assert [row.tuned for row in report.examples] == answers
    assert [row.reference for row in report.examples] == references
    assert report.metric("bleu").tuned == pytest.approx(
        sacrebleu.corpus_bleu(answers, [references]).score
    )


@pytest.mark.parametrize("tune_type", ["lora", "full"])
def test_classification_agrees_with_scikit_learn(make, tune_type):
    made = make(tune_type, "csv_classification", move=1.0)
    report = ask(made, made.run)
    made.model.eval()
    wanted = list(made.data.val["labels"])
    with torch.no_grad():
        given = [
            int(made.model(input_ids=torch.tensor([ids])).logits.argmax())
            for ids in made.data.val["input_ids"]
        ]
    assert report.metric("accuracy").tuned == pytest.approx(
        sklearn.metrics.accuracy_score(wanted, given)
    )
    assert report.metric("f1").tuned == pytest.approx(
        sklearn.metrics.f1_score(
            wanted, given, labels=sorted(set(wanted)), average="macro", zero_division=0
        )
    )
    train = list(made.data.train["labels"])
    majority = max(sorted(set(train)), key=train.count)
    assert report.metric("accuracy").baseline == pytest.approx(wanted.count(majority) / len(wanted))
    assert any("no trained classification head" in note for note in report.notes)
    assert report.settings["labels"] == made.data.label_names


def test_an_untouched_adapter_shows_no_detectable_difference(make):
    made = make("lora", move=0.0)
    report = ask(made)
    assert {row.verdict for row in report.metrics} == {"no detectable difference"}
    assert {row.difference for row in report.metrics} == {0.0}
    assert all("no detectable difference" in row.sentence for row in report.metrics)


def test_what_was_learned_is_called_better_and_what_was_spoilt_worse(make, tmp_path):
    made = make("lora", "jsonl_prompt", move=0.0)
    learn(made)
    assert ask(made).metric("perplexity").verdict == "better"
    elsewhere = {"output_dir": str(tmp_path / "spoilt")}
    spoilt = make("lora", "jsonl_prompt", move=30.0, artifacts=elsewhere)
    assert ask(spoilt).metric("perplexity").verdict == "worse"


@pytest.mark.parametrize(
    "options",
    [
        {"tune_type": "full"},
        {"lora": {"init_lora_weights": "pissa"}},
        {"lora": {"init_lora_weights": "olora"}},
    ],
    ids=["full", "pissa", "olora"],
)
def test_the_base_is_the_model_on_the_disk_whatever_tuning_did_to_it(make, options):
    made = make(**options, move=0.0)
    with torch.no_grad():
        for tensor in made.model.parameters():
            if tensor.requires_grad:
                tensor.mul_(1.3)
    report = ask(made)
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(made.config.model_id).eval()
    expected = by_hand(plain, made.data.val.to_list())
    assert report.metric("perplexity").base == pytest.approx(expected, rel=1e-3)
    assert report.metric("perplexity").tuned != pytest.approx(expected, rel=1e-2)
    assert any("loaded anew" in note for note in report.notes)


def test_trained_biases_do_not_leak_into_the_base(make):
    made = make("lora", "csv_classification", lora={"bias": "all"}, move=0.0)
    clean = ask(made)
    with torch.no_grad():
        for name, tensor in made.model.named_parameters():
            if tensor.requires_grad and name.endswith("bias"):
                tensor.add_(3.0)
    assert ask(made).metric("accuracy").base == clean.metric("accuracy").base
    assert reload_note(ask(made))


def reload_note(report):
    return any("loaded anew" in note for note in report.notes)


def test_the_report_is_the_same_bytes_the_second_time(make):
    made = make("lora")
    ask(made, made.run)
    first = (made.run.path / "report.json").read_bytes()
    torch.rand(5)
    report = ask(made, made.run)
    assert (made.run.path / "report.json").read_bytes() == first
    assert json.loads(first) == json.loads(json.dumps(report.to_dict()))
    assert b"seconds" not in first
    assert report.timings["tuned_answers_seconds"] > 0
    events = (made.run.path / "events.jsonl").read_text()
    assert '"event": "evaluated"' in events


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_the_batch_size_does_not_change_the_numbers(make, batch):
    made = make("lora", hyperparams={"batch_size_eval": batch})
    report = ask(made)
    made.model.eval()
    expected = by_hand(made.model, made.data.val.to_list())
    assert report.metric("perplexity").tuned == pytest.approx(expected, rel=1e-4)


def test_model_and_random_numbers_are_as_before(make):
    made = make("lora")
    kept = inner(made.model).generation_config
    flags = {name: tensor.requires_grad for name, tensor in made.model.named_parameters()}
    state = torch.get_rng_state()
    ask(made)
    assert made.model.training
    assert inner(made.model).generation_config is kept
    assert {n: t.requires_grad for n, t in made.model.named_parameters()} == flags
    assert torch.equal(torch.get_rng_state(), state)
    assert made.tokenizer.padding_side == "right"


def test_no_metric_asks_the_network(make, monkeypatch, tmp_path):
    elsewhere = {"output_dir": str(tmp_path / "labels")}
    text, labels = make("lora"), make("lora", "csv_classification", artifacts=elsewhere)

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert ask(text).metrics
    assert ask(labels).metrics


def test_no_held_out_rows_give_a_finding_and_an_empty_report(make, capsys):
    made = make("lora", dataset={"split": {"train": 1.0, "val": 0.0}})
    report = ask(made, made.run)
    assert [item.code for item in report.findings] == ["evaluation.no_rows"]
    assert report.metrics == []
    assert "dataset.split.val" in capsys.readouterr().err
    written = json.loads((made.run.path / "report.json").read_text())
    assert written["metrics"] == []
    assert written["held_out"] == {"split": None, "rows": 0}


def test_a_base_that_is_gone_leaves_the_tuned_numbers(make, monkeypatch):
    made = make("full")

    def gone(*args, **kwargs):
        raise OSError("no such folder")

    monkeypatch.setattr("ft_runtime.models.load_model", gone)
    report = ask(made, made.run)
    assert [item.code for item in report.findings] == ["evaluation.base_unavailable"]
    row = report.metric("perplexity")
    assert row.base is None
    assert row.tuned == pytest.approx(by_hand(made.model.eval(), made.data.val.to_list()), rel=1e-4)
    assert row.verdict == "not defined"
    assert json.loads((made.run.path / "report.json").read_text())["metrics"][0]["base"] is None


@pytest.mark.parametrize("format", ["jsonl_chat", "csv_classification"])
def test_outputs_that_are_not_numbers_are_an_error_and_not_a_score(make, format):
    made = make("full", format)
    with torch.no_grad():
        for tensor in made.model.parameters():
            tensor.fill_(float("nan"))
    report = ask(made, made.run)
    codes = [item.code for item in report.findings]
    assert codes == ["evaluation.not_finite"] * len(report.metrics)
    assert {row.tuned for row in report.metrics} == {None}
    assert None not in {row.base for row in report.metrics}
    json.loads((made.run.path / "report.json").read_text())


def test_two_rows_get_an_interval_and_no_verdict(make):
    rows = [made_up_row("jsonl_chat", number) for number in range(4)]
    report = ask(make("lora", rows=rows))
    assert report.metric("perplexity").n == 2
    assert report.metric("perplexity").interval is not None
    assert report.metric("perplexity").verdict == "too few rows to tell"
    assert any("Fewer than 6 rows" in note for note in report.notes)


def test_hostile_texts_stay_texts(make):
    hostile = '</td><script>alert(1)</script>\u2028{{ x }} %% \\ """ \' `|`'
    rows = [
        {"prompt": f"{hostile} {number}", "completion": f"{hostile} {number}"}
        for number in range(16)
    ]
    report = ask(make("lora", "jsonl_prompt", rows=rows))
    assert "<script>" not in report._repr_html_()
    assert "&lt;script&gt;" in report._repr_html_()
    assert report.examples[0].prompt.startswith(hostile)
    assert report.examples[0].reference.startswith(hostile)


def test_a_long_prompt_loses_its_beginning_and_that_is_counted(make):
    made = make("lora", "jsonl_prompt")
    example = made.data.examples["val"][0]
    whole, cut = prompt_ids(made.tokenizer, example, context=None, max_new_tokens=8)
    assert cut == 0
    room = len(whole) - 3
    short, cut = prompt_ids(made.tokenizer, example, context=room + 8, max_new_tokens=8)
    assert (short, cut) == (whole[3:], 3)
    least, cut = prompt_ids(made.tokenizer, example, context=4, max_new_tokens=8)
    assert (least, cut) == (whole[-1:], len(whole) - 1)


def test_prompts_that_do_not_fit_are_told(make):
    made = make("lora", "jsonl_prompt")
    inner(made.model).config.max_position_embeddings = 20  # 12 of them for the answer
    notes = ask(made).notes
    assert any("8 prompts were longer than the model's context of 20" in note for note in notes)


@pytest.mark.parametrize("metrics", [["perplexity"], ["exact_match"]])
def test_only_what_is_asked_for_is_measured(make, metrics):
    report = ask(make("lora", eval={"metrics": metrics}))
    assert [row.name for row in report.metrics] == metrics
    assert bool(report.sample_rows) == (metrics != ["perplexity"])


def test_the_verb_is_exported():
    assert ft.evaluate is evaluate
