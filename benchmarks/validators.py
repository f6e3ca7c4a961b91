"""The validators that `validate.py` compares with, each as a function of one path.

The two cookbook forms do the well-known checks of OpenAI's chat fine-tuning guide (structure of the
messages, roles, types, an assistant's turn), written anew: `cookbook_published` loads the whole
file into a list first, as the guide does, and dies of the first corrupt line; `cookbook_stream`
reads line by line and counts a corrupt line. For other data the same style of check is made on
the columns.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROLES = ("system", "user", "assistant", "function", "tool")
KNOWN = ("role", "content", "name", "function_call", "weight", "tool_calls", "tool_call_id")


def check_chat(row: Any, errors: Counter[str]) -> None:
    if not isinstance(row, dict):
        errors["data_type"] += 1
        return
    messages = row.get("messages", None)
    if not messages:
        errors["missing_messages_list"] += 1
        return
    for message in messages:
        if "role" not in message or "content" not in message:
            errors["message_missing_key"] += 1
        if any(key not in KNOWN for key in message):
            errors["message_unrecognized_key"] += 1
        if message.get("role", None) not in ROLES:
            errors["unrecognized_role"] += 1
        content = message.get("content", None)
        if (not content and not message.get("function_call", None)) or not isinstance(content, str):
            errors["missing_content"] += 1
    if not any(message.get("role", None) == "assistant" for message in messages):
        errors["example_missing_assistant_message"] += 1


def check_instruction(row: Any, errors: Counter[str]) -> None:
    if not isinstance(row, dict):
        errors["data_type"] += 1
        return
    for key in ("instruction", "input", "output"):
        if key not in row:
            errors["missing_key"] += 1
        elif not isinstance(row[key], str):
            errors["type"] += 1
    if any(key not in ("instruction", "input", "output") for key in row):
        errors["unrecognized_key"] += 1
    for key in ("instruction", "output"):
        if not row.get(key):
            errors["empty"] += 1


def _check_for(path: Path) -> Callable[[Any, Counter[str]], None]:
    return check_instruction if "instr" in path.name else check_chat


def cookbook_published(path: Path) -> int:
    """Whole file in a list, then the checks; raises at the first corrupt line."""
    with open(path, encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    errors: Counter[str] = Counter()
    check = _check_for(path)
    for row in rows:
        check(row, errors)
    return len(rows)


def cookbook_stream(path: Path) -> int:
    """The same checks, line by line; a corrupt line is counted."""
    errors: Counter[str] = Counter()
    check = _check_for(path)
    count = 0
    with open(path, "rb") as stream:
        for line in stream:
            count += 1
            try:
                row = json.loads(line)
            except ValueError:
                errors["json"] += 1
                continue
            try:
                check(row, errors)
            except (TypeError, AttributeError):
                errors["type"] += 1
    return count


def csv_dictreader(path: Path) -> int:
    """csv.DictReader and the checks of a careful script: cells missing, empty, too many; labels."""
    errors: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    seen: set[int] = set()
    count = 0
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        for row in csv.DictReader(stream):
            count += 1
            text, label = row.get("text"), row.get("label")
            if None in row or text is None or label is None:
                errors["cells"] += 1
                continue
            if not text.strip():
                errors["empty_text"] += 1
            if not label.strip():
                errors["empty_label"] += 1
            labels[label] += 1
            key = hash(text)
            if key in seen:
                errors["duplicate"] += 1
            seen.add(key)
    return count


def datasets_load(path: Path) -> int:
    import tempfile

    import datasets

    kind = "csv" if path.suffix == ".csv" else "json"
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        data = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=cache)
        return len(data)


def pandas_read(path: Path) -> int:
    import pandas as pd

    if path.suffix == ".csv":
        return len(pd.read_csv(path))
    return sum(len(chunk) for chunk in pd.read_json(path, lines=True, chunksize=10_000))


def pyarrow_read(path: Path) -> int:
    import pyarrow as pa

    pa.set_cpu_count(1)
    if path.suffix == ".csv":
        from pyarrow import csv as pa_csv

        options = pa_csv.ParseOptions(newlines_in_values=True)
        return pa_csv.read_csv(path, parse_options=options).num_rows
    from pyarrow import json as pa_json

    options = pa_json.ReadOptions(use_threads=False, block_size=1 << 24)
    return pa_json.read_json(path, read_options=options).num_rows


def polars_scan(path: Path) -> int:
    import polars as pl

    if path.suffix == ".csv":
        frame = pl.scan_csv(path)
        empty = pl.col("text").str.strip_chars().eq("")
    else:
        frame = pl.scan_ndjson(path)
        column = "messages" if "instr" not in path.name else "output"
        empty = pl.col(column).is_null()
    return int(frame.select(pl.len(), empty.sum().alias("empty")).collect().item(0, 0))


def duckdb_read(path: Path) -> int:
    import duckdb

    reader = "read_csv" if path.suffix == ".csv" else "read_json"
    with duckdb.connect() as base:
        base.execute("SET threads = 1")
        options = (
            "" if path.suffix == ".csv" else ", format='newline_delimited', ignore_errors=true"
        )
        query = f"SELECT count(*) FROM {reader}(?{options})"
        return int(base.execute(query, [str(path)]).fetchone()[0])


def _per_line(path: Path, check: Callable[[bytes], Any], wrong: Any) -> int:
    count = 0
    with open(path, "rb") as stream:
        for line in stream:
            count += 1
            with contextlib.suppress(wrong):
                check(line)
    return count


def pydantic_lines(path: Path) -> int:
    from typing import Literal

    from pydantic import BaseModel, ValidationError

    class Message(BaseModel):
        role: Literal["system", "user", "assistant", "function", "tool"]
        content: str

    class Chat(BaseModel):
        messages: list[Message]

    class Instruction(BaseModel):
        instruction: str
        input: str = ""
        output: str

    model: Any = Instruction if "instr" in path.name else Chat
    return _per_line(path, model.model_validate_json, ValidationError)


def jsonschema_lines(path: Path) -> int:
    import jsonschema

    text = {"type": "string", "minLength": 1}
    message = {
        "type": "object",
        "properties": {"role": {"enum": list(ROLES)}, "content": text},
        "required": ["role", "content"],
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"messages": {"type": "array", "minItems": 1, "items": message}},
        "required": ["messages"],
    }
    if "instr" in path.name:
        schema = {
            "type": "object",
            "properties": {"instruction": text, "output": text},
            "required": ["instruction", "output"],
        }
    validator = jsonschema.Draft202012Validator(schema)
    return _per_line(path, lambda line: validator.is_valid(json.loads(line)), ValueError)


PEERS: dict[str, Callable[[Path], int]] = {
    "cookbook_stream": cookbook_stream,
    "cookbook_published": cookbook_published,
    "csv_dictreader": csv_dictreader,
    "datasets": datasets_load,
    "pandas": pandas_read,
    "pyarrow": pyarrow_read,
    "polars": polars_scan,
    "duckdb": duckdb_read,
    "pydantic": pydantic_lines,
    "jsonschema": jsonschema_lines,
}
NEEDS_CLEAN = {"cookbook_published", "datasets", "pandas", "pyarrow", "polars", "duckdb"}
ONLY_JSON = {"cookbook_stream", "cookbook_published", "pydantic", "jsonschema"}
ONLY_CSV = {"csv_dictreader"}
SLOW = {"jsonschema", "pandas"}


def peers_for(path: Path) -> Iterable[str]:
    """Return the names of the peers that can read this file."""
    skip = ONLY_JSON if path.suffix == ".csv" else ONLY_CSV
    return [name for name in PEERS if name not in skip]
