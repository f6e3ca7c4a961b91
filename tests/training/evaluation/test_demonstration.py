import pytest
import torch

from ft_runtime.evaluation import demonstrate, evaluate
from support.tuned import tuned


@pytest.fixture
def make(tmp_path):
    made = []

    def one(*args, **options):
        made.append(tuned(tmp_path, *args, **options))
        return made[-1]

    yield one
    for item in made:
        item.run.close()


def show(made, **options):
    return demonstrate(made.config, made.model, made.tokenizer, made.data, **options)


@pytest.mark.parametrize("tune_type", ["lora", "full"])
def test_answers_are_those_of_the_evaluation_with_their_times(make, tune_type):
    made = make(tune_type, eval={"max_rows": 50}, hyperparams={"batch_size_eval": 1})
    report = evaluate(made.config, made.model, made.tokenizer, made.data)
    shown = show(made, n=5)
    assert {(r.row, r.prompt, r.reference, r.base.text, r.tuned.text) for r in shown} <= {
        (e.row, e.prompt, e.reference, e.base, e.tuned) for e in report.examples
    }
    assert len(shown) == 5
    for row in shown:
        for answer in (row.base, row.tuned):
            assert answer.seconds > 0
            assert 0 < answer.tokens <= 12
            assert "tokens/s" in answer.speed
    assert made.model.training


def test_a_prompt_is_shown_without_the_tokens_of_the_template(make):
    shown = show(make("lora", "jsonl_instr"), n=1)
    assert shown[0].prompt.startswith("Name the colour.")
    assert "<|" not in shown[0].prompt


def test_labels_come_with_their_probability(make):
    made = make("lora", "csv_classification")
    shown = show(made, n=3)
    assert len(shown) == 3
    rows = {row["row"]: row for row in made.data.val.to_list()}
    for row in shown:
        made.model.eval()
        with torch.no_grad():
            ids = torch.tensor([rows[row.row]["input_ids"]])
            chances = made.model(input_ids=ids).logits.softmax(-1)[0]
        name = made.data.label_names[int(chances.argmax())]
        assert row.tuned.text == f"{name} ({float(chances.max()):.0%})"
        assert row.tuned.tokens is None
        assert row.tuned.speed.endswith(" s")


def test_tables_escape_what_comes_from_the_data(make):
    rows = [{"prompt": f"<b>{n}</b> & |", "completion": f" <i>{n}</i>"} for n in range(6)]
    shown = show(make("lora", "jsonl_prompt", rows=rows), n=1)
    assert "<b>" not in shown._repr_html_()
    assert "&lt;b&gt;" in shown._repr_html_()
    assert "<b>" in repr(shown)
    assert "s," in repr(shown)


def test_nothing_but_the_table_is_left_in_a_notebook(make, monkeypatch):
    drawn = []

    class Screen:
        interval, patient = 0.0, False

        def draw(self, frame):
            drawn.append(frame)

        close = draw

    monkeypatch.setattr("ft_runtime.progress.board.screen", Screen)
    made = make("lora")
    assert len(show(made, n=2)) == 2
    assert drawn == []
    evaluate(made.config, made.model, made.tokenizer, made.data)
    assert drawn


def test_nothing_held_out_is_told(make, capsys):
    shown = show(make("lora", dataset={"split": {"train": 1.0, "val": 0.0}}))
    assert shown == []
    assert "evaluation.no_rows" in capsys.readouterr().err
    assert "Nothing" in repr(shown)
    assert "Nothing" in shown._repr_html_()


def test_a_base_that_is_gone_leaves_the_tuned_answers(make, monkeypatch, capsys):
    made = make("full")

    def gone(*args, **kwargs):
        raise OSError("no such folder")

    monkeypatch.setattr("ft_runtime.models.load_model", gone)
    shown = show(made, n=2)
    assert [row.base for row in shown] == [None, None]
    assert shown[0].tuned.text is not None
    assert "base: –" in repr(shown)
    assert "evaluation.base_unavailable" in capsys.readouterr().err
