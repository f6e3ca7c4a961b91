import ast
import contextlib
import io
import json
import re

import pytest
import yaml
from huggingface_hub import ModelCard

from ft_runtime.artifacts import save_model, write_card
from ft_runtime.artifacts.card import card_text
from ft_runtime.artifacts.facts import read_facts
from ft_runtime.artifacts.snippet import loading_code
from ft_runtime.evaluation import evaluate
from ft_runtime.evaluation.generate import greedy_answers
from support.tuned import tuned

HOSTILE = '"""\n---\n```\n# x | <script>alert(1)</script> {{ x }} \' \\ \u2028 %% $(id)'


@pytest.fixture
def make(tmp_path):
    made = []

    def one(*args, **options):
        made.append(tuned(tmp_path, *args, **options))
        item = made[-1]
        evaluate(item.config, item.model, item.tokenizer, item.data, item.run)
        return item

    yield one
    for item in made:
        item.run.close()


def code_of(card):
    return re.search(r"```python\n(.*?)\n```", card, re.DOTALL).group(1)


def run_code(source, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "card", "exec"), names)
    return names, printed.getvalue()


@pytest.mark.parametrize(
    ("tune_type", "format"),
    [
        ("lora", "jsonl_chat"),
        ("lora", "jsonl_prompt"),
        ("qlora", "jsonl_instr"),
        ("full", "jsonl_chat"),
        ("lora", "csv_classification"),
        ("qlora", "csv_classification"),
        ("full", "csv_classification"),
    ],
)
def test_the_code_of_the_card_runs_and_gives_the_tuned_answers(
    make, monkeypatch, tune_type, format
):
    made = make(tune_type, format, move=1.0)
    saved = save_model(made.config, made.model, made.tokenizer, made.run)
    card = write_card(made.run).read_text(encoding="utf-8")
    names, printed = run_code(code_of(card), made.run.path, monkeypatch)
    made.model.eval()
    ids = names["inputs"]["input_ids"]
    if format == "csv_classification":
        best = int(made.model(**names["inputs"]).logits.argmax())
        assert printed.split()[0] == made.data.label_names[best]
    else:
        ends = made.data.end_token_ids
        answer = greedy_answers(made.model, made.tokenizer, [ids[0].tolist()], 12, 1, ends)[0]
        assert printed.removesuffix("\n") == answer.text
    # The card inside the saved folder names that folder.
    inside = (saved.path / "README.md").read_text(encoding="utf-8")
    assert "folder = '.'" in inside


def test_the_card_tells_data_results_settings_and_limits(make):
    made = make("lora", "jsonl_chat", move=0.0)
    card = write_card(made.run).read_text(encoding="utf-8")
    report = json.loads((made.run.path / "report.json").read_text())
    for row in report["metrics"]:
        assert f"`{row['name']}`" in card
        assert f"`{row['signature']}`" in card
    assert card.count("no detectable difference") >= 6
    assert "No detectable difference from the base: `perplexity`" in card
    source = made.run.manifest["pinned"]["data"]["sources"]["rows.jsonl"]
    assert f"| `rows.jsonl` | 40 | `{source['sha256'][:16]}` |" in card
    assert "| `train` | 20 | 0 | 0 | 0 |" in card
    assert "| `val` | 20 | 0 | 0 | 0 |" in card
    assert "| all | 40 | 0 | 0 | 0 |" in card
    assert "| `hyperparams.learning_rate` | `1e-05` |" in card
    assert "| `lora.r` | `4` |" in card
    assert f"| `transformers` | `{made.run.manifest['versions']['transformers']}` |" in card
    assert "licence of the base model is not known" in card


def test_the_head_is_what_the_hub_reads(make):
    made = make("lora", "jsonl_chat")
    data = ModelCard.load(write_card(made.run)).data
    report = json.loads((made.run.path / "report.json").read_text())
    assert data.library_name == "peft"
    assert data.pipeline_tag == "text-generation"
    assert data.get("base_model") is None  # a local folder is no name on the hub
    assert data.get("license") is None
    assert {result.metric_name: result.metric_value for result in data.eval_results} == {
        row["name"]: pytest.approx(row["tuned"]) for row in report["metrics"]
    }
    assert {result.dataset_split for result in data.eval_results} == {"val"}


def test_the_same_folder_gives_the_same_card(make):
    made = make("lora", "jsonl_chat")
    first = write_card(made.run).read_bytes()
    assert write_card(made.run).read_bytes() == first


def test_a_licence_is_taken_from_the_base_and_never_made_up(make, tmp_path, tiny_causal_dir):
    import shutil

    base = tmp_path / "base"
    shutil.copytree(tiny_causal_dir, base)
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Base\n")
    made = make("lora", "jsonl_chat", model_id=str(base))
    card = write_card(made.run)
    assert ModelCard.load(card).data.license == "apache-2.0"
    assert "`apache-2.0`" in card.read_text()


def facts_of(folder, **changes):
    facts = read_facts(folder)
    for section, values in changes.items():
        if isinstance(values, dict):
            facts.config[section].update(values)
        else:
            facts.config[section] = values
    return facts


def test_a_hub_base_is_named_with_its_commit(make):
    made = make("lora", "jsonl_chat")
    facts = facts_of(
        made.run.path, provider="hf_hub", model_id="owner/base", dataset={"id": "owner/data"}
    )
    facts.manifest["pinned"]["model"] = {"id": "owner/base", "revision": "a" * 40}
    card = card_text(facts)
    data = ModelCard(card).data
    assert data.base_model == "owner/base"
    assert data.base_model_relation == "adapter"
    assert data.datasets == ["owner/data"]
    assert f"revision={'a' * 40!r}" in code_of(card)


def test_a_base_in_a_folder_is_said_to_be_seen_from_elsewhere(make):
    """Beside `adapter`, which is seen from the run folder."""
    seen = "# its folder, as seen from where the run was started"
    made = make("lora", "jsonl_chat")
    assert seen in code_of(card_text(facts_of(made.run.path)))
    hub = facts_of(made.run.path, provider="hf_hub", model_id="owner/base")
    assert seen not in code_of(card_text(hub))


def test_a_pushed_model_is_loaded_by_its_name(make):
    made = make("lora", "jsonl_chat")
    facts = facts_of(made.run.path, artifacts={"push_to_hub": True, "hub_model_id": "owner/tuned"})
    assert "folder = 'owner/tuned'" in code_of(card_text(facts, inside=True))
    assert "folder = 'adapter'" in code_of(card_text(facts))


def test_hostile_values_break_neither_head_nor_code_nor_table(make):
    made = make("lora", "csv_classification")
    facts = facts_of(made.run.path, model_id=HOSTILE, artifacts={"hub_model_id": HOSTILE})
    facts.report["settings"]["labels"] = [HOSTILE, "b"]
    facts.manifest["pinned"]["data"]["sources"] = {HOSTILE: {"sha256": HOSTILE, "revision": None}}
    facts.manifest["versions"][HOSTILE] = HOSTILE
    card = card_text(facts)
    head = card.split("\n---\n", 1)[0].removeprefix("---\n")
    assert yaml.safe_load(head)["library_name"] == "peft"
    tree = ast.parse(loading_code(facts, HOSTILE))
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert HOSTILE in literals
    headings = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert headings == [
        "Results",
        "How to load it",
        "Data",
        "Settings",
        "Limits",
        "Environment",
    ]
    for line in card.splitlines():
        if line.startswith("| ") and "script" in line:
            bars = re.findall(r"(?<!\\)\|", line)
            assert len(bars) in (3, 5)


def test_a_run_without_an_evaluation_says_so(tmp_path):
    made = tuned(tmp_path, "lora")
    card = write_card(made.run).read_text()
    made.run.close()
    assert "was not evaluated" in card
    assert ModelCard(card).data.eval_results is None


def test_markdown_of_any_value():
    from ft_runtime.artifacts.markdown import code, escape, table

    assert code("a`b``c") == "```a`b``c```"
    assert code("`a`") == "`` `a` ``"
    assert code("") == "–"
    assert code("a\nb") == "`a b`"
    assert escape("<b>*x*_y_|[z]") == "\\<b\\>\\*x\\*\\_y\\_\\|\\[z\\]"
    assert table(["h"], [["a|b"], [escape("a|b")]]).splitlines()[2:] == ["| a\\|b |", "| a\\|b |"]
