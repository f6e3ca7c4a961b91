"""Rendering one row in a process of its own, with a real tokenizer."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from ft_runtime.samples import FORMATS, write_sample
from jupyter_ft.services.child import Child
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.models import HubClient
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits
from jupyter_ft.services.render import render


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_causal_dir, tiny_encoder_dir) -> Path:
    """A server's folder with data of every format and the small models."""
    root = tmp_path_factory.mktemp("root")
    for name in FORMATS:
        write_sample(name, root / (f"{name}.csv" if "csv" in name else f"{name}.jsonl"), 10)
    import shutil

    shutil.copytree(tiny_causal_dir, root / "causal")
    shutil.copytree(tiny_encoder_dir, root / "encoder")
    return root


def ask(folder: Path, format: str, python: str = sys.executable, **more):
    ending = "csv" if "csv" in format else "jsonl"
    model = "encoder" if "csv" in format else "causal"
    body = {
        "path": f"{format}.{ending}",
        "format": format,
        "provider": "hf_local",
        "model_id": model,
        **more,
    }
    child = Child(python, 300)
    return render(body, Root(folder), Limits(), child, HubDatasets(HubClient(), child))


@pytest.mark.parametrize("format", ["jsonl_chat", "jsonl_instr", "jsonl_prompt"])
def test_what_is_learned_is_the_answer(folder, format):
    answer = ask(folder, format, row=1)
    row = json.loads((folder / f"{format}.jsonl").read_text().splitlines()[1])
    wanted = {
        "jsonl_chat": lambda: [m["content"] for m in row["messages"] if m["role"] == "assistant"],
        "jsonl_instr": lambda: [row["output"]],
        "jsonl_prompt": lambda: [row["completion"]],
    }[format]()
    learned = [item["text"] for item in answer["segments"] if item["supervised"]]
    assert len(learned) == len(wanted)
    for piece, text in zip(learned, wanted, strict=True):
        assert piece.startswith(text)
    assert 0 < answer["supervised_tokens"] < answer["tokens"]
    assert answer["template"] == ("plain" if format == "jsonl_prompt" else "model")
    assert not [item for item in answer["findings"] if item["severity"] == "error"]


def test_a_classifier_reads_all_and_learns_the_label(folder):
    answer = ask(folder, "csv_classification")
    assert [item["supervised"] for item in answer["segments"]] == [False]
    assert answer["label"] in ("positive", "negative", "neutral")
    assert answer["tokens"] > 3


def test_a_plain_template_is_told(folder):
    import shutil

    bare = folder / "bare"
    shutil.copytree(folder / "causal", bare, dirs_exist_ok=True)
    (bare / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((bare / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (bare / "tokenizer_config.json").write_text(json.dumps(settings))
    answer = ask(folder, "jsonl_chat", model_id="bare")
    assert answer["template"] == "plain"
    assert "models.no_chat_template" in [item["code"] for item in answer["findings"]]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"row": 10}, "server.no_such_row"),
        ({"row": -1}, "server.no_such_row"),
        ({"columns": {"prompt": "nothing"}}, "server.row_unusable"),
        ({"model_id": "nothing"}, "server.model_outside"),
        ({"model_id": "/etc"}, "server.model_outside"),
        ({"model_id": "jsonl_chat.jsonl"}, "models.not_a_folder"),
        ({"provider": "hf_hub", "model_id": "owner/nothing"}, "models.offline"),
        ({"max_seq_len": 0}, "config.out_of_range"),
        ({"revision": ""}, "config.empty"),
    ],
)
def test_what_cannot_be_shown_is_a_finding(folder, more, code, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    answer = ask(folder, "jsonl_prompt", **more)
    assert code in [item["code"] for item in answer["findings"]]
    assert answer["segments"] == []


def program(tmp_path: Path, text: str) -> str:
    place = tmp_path / "python"
    place.write_text(f"#!{sys.executable}\n{text}\n")
    place.chmod(0o755)
    return str(place)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import sys; sys.exit('No module named ft_runtime')", "server.no_transformers"),
        ("import sys; sys.exit('broken 95%')", "server.render_failed"),
        ("print('[]')", "server.render_failed"),
        ("import os; os.abort()", "server.render_failed"),
        (
            # An interpreter in which there is no transformers.
            "import sys; sys.modules['transformers'] = None\n"
            "from ft_runtime.tokens.single import main; sys.exit(main())",
            "server.no_transformers",
        ),
    ],
    ids=range(5),
)
def test_an_interpreter_that_cannot_is_a_finding(folder, tmp_path, text, code):
    answer = ask(folder, "jsonl_prompt", python=program(tmp_path, text))
    assert [item["code"] for item in answer["findings"]] == [code]


def test_an_interpreter_that_does_not_exist_is_a_finding(folder, tmp_path):
    answer = ask(folder, "jsonl_prompt", python=str(tmp_path / "none"))
    assert [item["code"] for item in answer["findings"]] == ["server.render_failed"]


def test_a_slow_tokenizer_is_stopped_with_its_children(folder, tmp_path, monkeypatch):
    """The child of the child holds the pipe open: whoever kills only the first waits for ever."""
    told, parents, communicate = tmp_path / "told", [], subprocess.Popen.communicate
    os.mkfifo(told)
    reader = os.open(told, os.O_RDONLY | os.O_NONBLOCK)  # no wait for one that never comes
    inner = f"import os, time; open({str(told)!r}, 'w').write(str(os.getppid())); time.sleep(600)"
    text = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}])"

    def once_both_are_there(process, *given, **more):
        if not parents:
            select.select([reader], [], [], 300)
            parents.append(int(os.read(reader, 32)))
        return communicate(process, *given, **more)

    monkeypatch.setattr(subprocess.Popen, "communicate", once_both_are_there)
    body = {
        "path": "jsonl_prompt.jsonl",
        "format": "jsonl_prompt",
        "provider": "hf_local",
        "model_id": "causal",
    }
    child = Child(program(tmp_path, text), 0.5)
    answer = render(body, Root(folder), Limits(), child, HubDatasets(HubClient(), child))
    assert [item["code"] for item in answer["findings"]] == ["server.render_timeout"]
    with pytest.raises(ProcessLookupError):
        os.kill(parents[0], 0)
    os.close(reader)
