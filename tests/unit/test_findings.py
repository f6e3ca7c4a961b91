"""Findings carry code, place, message and remedy, and the catalogue is complete."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest

from ft_runtime import messages
from ft_runtime.findings import FindingsError, finding, notify, raise_for_errors, render, subscribed

ROOT = Path(__file__).resolve().parents[2]


def test_every_entry_is_complete_and_every_placeholder_is_plain():
    for code in messages.codes():
        entry = messages.lookup(code)
        if "text" in entry:
            continue
        assert entry["severity"] in ("error", "warning", "info"), code
        assert entry["message"], code
        assert entry.get("hint") is not None, code
        for text in entry.values():
            for name in re.findall(r"(?<!\{)\{([^{}]*)\}(?!\})", text):
                assert re.fullmatch(r"[a-z_0-9]+(![rs])?(:[^{}]*)?", name), (code, name)


def test_every_code_in_the_sources_is_in_the_catalogue():
    known = set(messages.codes())
    used = set()
    for folder in ("ft_runtime", "jupyter_ft"):
        for path in (ROOT / folder).rglob("*.py"):
            used |= {
                (code, str(path.relative_to(ROOT)))
                for code in re.findall(
                    r'\b(?:finding|text)\(\s*"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8")
                )
            }
    assert {item for item in used if item[0] not in known} == set()


def test_every_code_is_used_somewhere():
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("ft_runtime", "jupyter_ft", "schemas", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".json", ".j2") and "messages" not in path.parts
    )
    # Some codes are put together at run time, as f"run.{kind}_changed": any text fits the gap.
    shapes = [
        re.compile(re.sub(r"\{[^{}]*\}", "[a-z_0-9]+", shape).replace(".", r"\.", 1))
        for shape in re.findall(r'f"([a-z_]+\.[a-z_]*\{[^"]*)"', sources)
    ]
    unused = [
        code
        for code in messages.codes()
        if f'"{code}"' not in sources and not any(shape.fullmatch(code) for shape in shapes)
    ]
    assert unused == []


def test_user_text_with_braces_is_a_value_not_a_template():
    item = finding("config.bad_override", got="{got} {0} {{x}}")
    assert "{got} {0} {{x}}" in item.message


def test_errors_come_first_and_all_are_raised():
    warning = finding("config.split_no_held_out", "dataset.split")
    error = finding("config.split_no_train", "dataset.split.train")
    raise_for_errors([warning])
    with pytest.raises(FindingsError) as caught:
        raise_for_errors([warning, error])
    assert caught.value.findings == [warning, error]
    text = render([warning, error])
    assert text.index("error [config.split_no_train] dataset.split.train:") < text.index(
        "warning ["
    )
    assert "→" in text
    assert pickle.loads(pickle.dumps(caught.value)).findings == [warning, error]


def test_subscribers_hear_what_the_user_is_told(capsys: pytest.CaptureFixture[str]):
    heard = []
    item = finding("config.split_no_held_out", "dataset.split")
    with subscribed(heard.append):
        notify(item)
    notify(item)
    assert heard == [item]
    assert capsys.readouterr().err.count("config.split_no_held_out") == 2


def test_a_translation_may_lack_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    english = messages.FOLDER / "en" / "config.json"
    for language, content in (
        ("en", english.read_text("utf-8")),
        ("sl", json.dumps({"config.split_no_train": {"hint": "Nastavi"}})),
    ):
        (tmp_path / language).mkdir()
        (tmp_path / language / "config.json").write_text(content, "utf-8")
    monkeypatch.setattr(messages, "FOLDER", tmp_path)
    monkeypatch.setenv("FT_LANG", "sl_SI")
    messages.room.cache_clear()
    try:
        item = finding("config.split_no_train")
        assert item.hint == "Nastavi"
        assert item.message.startswith("The training share")
    finally:
        messages.room.cache_clear()
