"""Prepared rows kept on disk: found again by content alone, whole or not at all, never too many."""

from __future__ import annotations

import copy
import csv
import errno
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ft_runtime import files
from ft_runtime.findings import FindingsError
from ft_runtime.tokens import PreparedData, cache, keeping, key, prepare_data
from ft_runtime.tokens.cache import Cache, bound, cache_folder
from ft_runtime.tokens.plan import Plan
from ft_runtime.tokens.table import Table
from support.tokens.dialects import CHATML, GEMMA
from support.tokens.rows import FakeRun, chat, codes, config_for, rows_of, split_rows
from support.tokens.tokenizers import byte_level, word_piece

CHATS = [
    chat("hello", "world"),
    None,
    chat("what is the capital", "Paris", "and then", "the fox " * 9),
    chat("hello", "the quick brown fox " * 20),
    chat("say <|im_end|>", "it is late"),
]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Folder of the cache; even few rows are kept in it."""
    monkeypatch.setenv(files.CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(keeping, "WORTH_KEEPING", 1)
    return tmp_path / "cache" / "prepared"


def prepare(run: Any = None, tokenizer: Any = None, **changes: Any) -> PreparedData:
    rows = changes.pop("rows", None) or rows_of("jsonl_chat", *CHATS)
    splits = split_rows(rows, val=changes.pop("val", 1))
    config = config_for("jsonl_chat", **{"length": 40, **changes})
    return prepare_data(config, rows, splits, tokenizer or byte_level(CHATML), run)


def contents(data: PreparedData) -> Any:
    return (
        {name: data.split(name).to_list() for name in ("train", "val", "test")},
        {name: list(examples) for name, examples in data.examples.items()},
        data.ledger.to_csv(),
        repr(data),
        data.pin,
        data.end_token_ids,
    )


@pytest.fixture
def once(monkeypatch):
    """Counts the preparations that were made."""
    made = []
    make = Plan.make
    monkeypatch.setattr(Plan, "make", lambda self, *args: made.append(1) or make(self, *args))
    return made


def test_the_same_input_is_prepared_once_and_tells_the_same(root, once, told, tmp_path):
    cold, first = prepare(FakeRun(tmp_path / "a")), list(told)
    told.clear()
    warm = prepare(FakeRun(tmp_path / "b"))
    assert len(once) == 1
    assert contents(warm) == contents(cold)
    assert told == first != []
    ledgers = [(tmp_path / run / "ledger.csv").read_bytes() for run in "ab"]
    assert ledgers[0] == ledgers[1]
    assert warm.train.cache_files == cold.train.cache_files


def test_the_cache_changes_nothing(root, monkeypatch):
    kept = contents(prepare())
    monkeypatch.setenv(files.CACHE, "off")
    assert cache_folder() is None
    assert contents(prepare()) == kept


def other_tokenizer(**changes: Any) -> Any:
    tokenizer = copy.deepcopy(byte_level(CHATML))
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    return tokenizer


def with_token() -> Any:
    tokenizer = other_tokenizer()
    tokenizer.add_tokens(["the fox"])
    return tokenizer


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": rows_of("jsonl_chat", chat("hello", "World"), *CHATS[1:])},
        {"rows": rows_of("jsonl_chat", *CHATS[::-1])},
        {"length": 41},
        {"lost": 0.9},
        {"val": 2},
        {"tokenizer": other_tokenizer(chat_template=CHATML.template + "\n")},
        {"tokenizer": other_tokenizer(model_max_length=39)},
        {"tokenizer": byte_level(GEMMA)},
        {"tokenizer": with_token()},
    ],
    ids=["row", "order", "length", "lost", "split", "template", "limit", "dialect", "vocabulary"],
)
def test_another_input_is_prepared_anew(root, once, changes):
    prepare()
    prepare(**changes)
    assert len(once) == 2


def test_other_code_prepares_anew(root, once, monkeypatch, tmp_path):
    """That of another package, too, where it says what a message says."""
    package = Path(files.__file__).parent
    decisive = [path.relative_to(package).as_posix() for path in key._sources()]
    assert {"tokens/mask.py", "data/formats/chat.py", "messages/en/tokens.json"} <= {*decisive}
    assert "tokens/preview.py" not in decisive
    prepare()
    (tmp_path / "other.py").write_text("other = 1")
    monkeypatch.setattr(key, "_sources", lambda: [tmp_path / "other.py"])
    key._code.cache_clear()
    try:
        prepare()
    finally:
        key._code.cache_clear()
    assert len(once) == 2


def test_classes_are_kept_too(root, once):
    rows = rows_of("csv_classification", *({"text": "the fox", "label": c} for c in "abba"))
    config = config_for("csv_classification")
    found = []
    for names in (["a", "b"], ["a", "b"], ["b", "a"]):
        rows.label_names = names
        data = prepare_data(config, rows, split_rows(rows, val=1), word_piece())
        found.append(list(data.train["labels"]))
    assert found == [[0, 1, 1], [0, 1, 1], [1, 0, 0]]
    assert len(once) == 2


def damage_cut(folder):
    path = folder / "train.arrow"
    path.write_bytes(path.read_bytes()[:-40])


def damage_bit(folder):
    path = folder / "train.arrow"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        damage_cut,
        damage_bit,
        lambda folder: (folder / "ledger.csv").unlink(),
        lambda folder: (folder / "meta.json").write_text("{"),
        lambda folder: (folder / "meta.json").write_text("[]"),
        lambda folder: (folder / "meta.json").unlink(),
    ],
    ids=["cut", "bit", "no ledger", "half a meta", "other meta", "no meta"],
)
def test_a_damaged_preparation_is_made_again_and_told(root, once, told, damage):
    cold = contents(prepare())
    (folder,) = root.iterdir()
    damage(folder)
    told.clear()
    assert contents(prepare()) == cold
    assert "tokens.cache_damaged" in codes(told)
    assert len(once) == 2
    told.clear()
    assert contents(prepare()) == cold
    assert "tokens.cache_damaged" not in codes(told)
    assert len(once) == 2


def test_a_ledger_that_cannot_be_read_costs_the_time_of_a_preparation(root, once):
    cold = contents(prepare())
    before = csv.field_size_limit(8)
    try:
        warm = prepare()
    finally:
        csv.field_size_limit(before)
    assert contents(warm) == cold
    assert len(once) == 2


def test_a_template_that_says_a_long_row_again_is_kept_too(root, once, told):
    """The csv module reads no text longer than 131,072 characters."""
    template = "{% if messages[0].content | length > 99 %}{{ raise_exception(messages[0].content) }}{% endif %}"  # fmt: skip
    rows = rows_of("jsonl_chat", *CHATS, chat("long " * 30_000, "short"))
    tokenizer = other_tokenizer(chat_template=template + CHATML.template)
    cold = prepare(rows=rows, tokenizer=tokenizer)
    assert contents(prepare(rows=rows, tokenizer=tokenizer)) == contents(cold)
    assert len(once) == 1
    (refused,) = [item for item in told if item.code == "tokens.template_refused"][:1]
    assert len(refused.message) < 1000


def test_a_cache_that_cannot_be_written_is_told_and_costs_nothing_else(tmp_path, root, told):
    expected = contents(prepare())
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    os.environ[files.CACHE] = str(in_the_way)  # restored with the fixture
    told.clear()
    assert contents(prepare()) == expected
    assert [item.severity for item in told if item.code == "tokens.cache_not_written"] == [
        "warning"
    ]


def test_a_disk_that_fills_up_half_way_loses_no_row(root, told, monkeypatch):
    expected = contents(prepare(length=39))
    flush = Table._flush

    def full(self: Table) -> None:
        if self._path is not None and self._path.stem == "val":
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(self)

    monkeypatch.setattr(Table, "_flush", full)
    before = set(root.iterdir())
    data = prepare(length=40)
    assert "tokens.cache_not_written" in codes(told)
    assert set(root.iterdir()) == before
    assert len(data.ledger.entries) == len(CHATS)
    monkeypatch.undo()
    monkeypatch.setenv(files.CACHE, "off")
    assert contents(data) == contents(prepare(length=40)) != expected


def test_what_forbids_training_is_not_kept(root, once):
    for _ in range(2):
        with pytest.raises(FindingsError, match="too_many_lost"):
            prepare(lost=0.0)
    assert len(once) == 2
    assert list(root.iterdir()) == []


def test_a_template_with_a_running_clock_is_not_kept(root, once):
    clock = "{{ strftime_now('%' + 'Y') }}" + CHATML.template
    for _ in range(2):
        prepare(tokenizer=other_tokenizer(chat_template=clock))
    assert len(once) == 2


def test_few_rows_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv(files.CACHE, str(tmp_path / "cache"))
    prepare()
    assert not (tmp_path / "cache").exists()


def aged(folder, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(folder, (then, then))


def test_what_was_not_used_for_longest_goes_when_there_is_too_much(root, monkeypatch):
    for length in (31, 32, 33):
        prepare(length=length)
    by_age = sorted(root.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for days, folder in zip((9, 5, 0.5), by_age, strict=True):
        aged(folder, days)
    left_half_written = root / ".abc"
    left_half_written.mkdir()
    (left_half_written / "train.arrow").write_bytes(b"x")
    aged(left_half_written, 3)
    size = sum(file.stat().st_size for file in by_age[0].iterdir())
    monkeypatch.setenv(cache.BOUND, str(3.5 * size / 1e9))
    prepare(length=34)
    left = set(root.iterdir())
    assert left >= set(by_age[1:])
    assert len(left) == 3
    # What was used today is spared: a run may be reading it.
    monkeypatch.setenv(cache.BOUND, "0")
    prepare(length=35)
    assert by_age[2] in set(root.iterdir())
    assert by_age[1] not in set(root.iterdir())


def test_a_use_makes_a_preparation_young(root):
    prepare()
    (folder,) = root.iterdir()
    aged(folder, 9)
    prepare()
    assert time.time() - folder.stat().st_mtime < 86_400


def test_a_bound_that_is_no_number_is_the_default(monkeypatch):
    monkeypatch.setenv(cache.BOUND, "much")
    assert bound() == 10e9


def test_another_process_may_keep_the_same_first(root):
    kept = Cache(root)
    with kept.room() as one, kept.room() as two:
        (one / "a").write_text("same")
        (two / "a").write_text("same")
        first = kept.keep(one, "key", {"x": 1})
        assert kept.keep(two, "key", {"x": 1}) == first
    assert [folder.name for folder in root.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "{}/ft_runtime/prepared"),
        ("win32", "LOCALAPPDATA", "{}/ft_runtime/prepared"),
        ("darwin", "HOME", "{}/Library/Caches/ft_runtime/prepared"),
    ],
)
def test_the_cache_is_where_the_system_keeps_caches(
    tmp_path, monkeypatch, platform, variable, expected
):
    monkeypatch.delenv(files.CACHE)
    monkeypatch.setattr(files.sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert str(cache_folder()) == expected.format(tmp_path)


def test_a_row_costs_few_bytes_and_one_rendering(root, monkeypatch):
    """What is kept of a row besides its tokens on disk: its line of the ledger."""
    from ft_runtime.tokens.template import ChatRenderer

    rendered = []
    render = ChatRenderer.render
    monkeypatch.setattr(
        ChatRenderer, "render", lambda *args, **more: rendered.append(1) or render(*args, **more)
    )
    rows = rows_of("jsonl_chat", *(chat(f"hello {i}", "the quick fox " * 9) for i in range(2_000)))
    prepare(rows=rows, length=400)  # imports and shapes
    rendered.clear()
    tracemalloc.start()
    data = prepare(rows=rows, length=401)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rendered) < len(rows) + 8
    tokens = data.ledger.tokens()["tokens"]
    assert tokens > 40 * len(rows)
    assert kept / len(rows) < 250
