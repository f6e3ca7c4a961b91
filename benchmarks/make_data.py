"""Seeded files for `validate.py`: chat, instruction, short chat rows (about 220 bytes) and CSV.

    python benchmarks/make_data.py --out /tmp/data --size 100MB [--kinds chat instr short csv]

Rows hold nine kinds of text (English, German, Chinese, Russian, Arabic, code, Markdown, LaTeX,
emoji), a quarter of them with ``\\uXXXX`` escapes; 1 % exact duplicates, 0.5 % near duplicates,
0.3 % planted secrets; `--broken` says how many rows are broken, in turn in each way of `BREAKS`.
The same seed and size give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

KINDS = ("chat", "instr", "short", "csv")

_ENGLISH = [
    "the",
    "model",
    "answers",
    "when",
    "a",
    "question",
    "is",
    "asked",
    "and",
    "every",
    "line",
    "of",
    "the",
    "report",
    "was",
    "read",
    "by",
    "two",
    "people",
    "who",
    "knew",
    "what",
    "they",
    "were",
    "looking",
    "for",
    "before",
    "the",
    "meeting",
    "began",
    "in",
    "the",
    "small",
    "room",
]
_GERMAN = [
    "die",
    "Prüfung",
    "der",
    "Daten",
    "dauert",
    "länger",
    "als",
    "gedacht",
    "weil",
    "jede",
    "Zeile",
    "für",
    "sich",
    "gelesen",
    "und",
    "über",
    "mehrere",
    "Stufen",
    "geprüft",
    "wird",
    "während",
    "das",
    "Gerät",
    "läuft",
]
_RUSSIAN = [
    "каждая",
    "строка",
    "файла",
    "читается",
    "один",
    "раз",
    "и",
    "проверяется",
    "по",
    "всем",
    "правилам",
    "прежде",
    "чем",
    "модель",
    "увидит",
    "её",
    "во",
    "время",
    "обучения",
]
_ARABIC = [
    "كل",
    "سطر",
    "من",
    "الملف",
    "يقرأ",
    "مرة",
    "واحدة",
    "ثم",
    "يفحص",
    "قبل",
    "أن",
    "يراه",
    "النموذج",
    "أثناء",
    "التدريب",
]
_CHINESE = "模型在训练之前会逐行检查每一条数据并且给出清楚的说明与建议方便使用者修改"
_CODE = (
    "def load(path):\n    with open(path) as stream:\n        return [row for row in stream]\n",
    'if x > 0 and "key" in table:\n\treturn table["key"] + 1\n',
    "for i in range(10):\n    total += values[i] * 0.5\n",
    "SELECT name, count(*) FROM users WHERE id = 42 GROUP BY name;\n",
)
_LATEX = (
    r"\frac{a}{b} + \sum_{i=1}^{n} x_i^2 \leq \alpha \cdot \beta ",
    r"\begin{align} y &= mx + c \\ z &= \sqrt{2} \end{align} ",
)
_EMOJI = ("great 🎉 work 👍 ", "see you 😀 soon ", "❤️ thanks a lot ☕ ")
_MARKDOWN = (
    "## Heading\n\n- first item\n- second **item**\n\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
    "> quoted text\n\n1. one\n2. two\n\n",
)


def _words(rng: random.Random, words: list[str], size: int) -> str:
    text = " ".join(rng.choices(words, k=max(1, size // 6)))
    cut = max(2, len(text) // 3)
    return (text[:cut] + ". " + text[cut:].capitalize()).capitalize() + "."


def _parts(rng: random.Random, parts: tuple[str, ...], size: int) -> str:
    text = ""
    while len(text) < size:
        text += rng.choice(parts) + rng.choice(_ENGLISH) + " "
    return text


def make_text(rng: random.Random, size: int) -> str:
    """Return a text of about `size` characters of one of the nine kinds."""
    kind = rng.random()
    if kind < 0.40:
        text = _words(rng, _ENGLISH, size)
        if rng.random() < 0.5:
            text = text.replace(". ", '.\n\nHe said: "yes". ', 1)
        return text
    if kind < 0.50:
        return _words(rng, _GERMAN, size)
    if kind < 0.58:
        return "".join(rng.choices(_CHINESE, k=max(2, size // 2)))
    if kind < 0.64:
        return _words(rng, _RUSSIAN, size)
    if kind < 0.68:
        return _words(rng, _ARABIC, size)
    if kind < 0.80:
        return _parts(rng, _CODE, size)
    if kind < 0.90:
        return _parts(rng, _MARKDOWN, size)
    if kind < 0.95:
        return _parts(rng, _LATEX, size)
    return _parts(rng, _EMOJI, size)


def _alnum(rng: random.Random, n: int) -> str:
    return "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", k=n))


def make_secret(rng: random.Random) -> str:
    """Return one made-up secret or piece of personal data."""
    digits = "".join(rng.choices("0123456789", k=9))
    return rng.choice(
        (
            "AKIA" + _alnum(rng, 16).upper(),
            "ghp" + "_" + _alnum(rng, 36),
            "hf" + "_" + _alnum(rng, 34),
            "sk-proj-" + _alnum(rng, 48),
            f"{_alnum(rng, 6).lower()}@mail.example.com",
            f"{1 + int(digits[:3]) % 600:03d}-{1 + int(digits[3:5]) % 90:02d}-{digits[5:]}",
            f"203.0.113.{int(digits[:2])}",
            "4111 1111 1111 1111",
            "GB82 WEST 1234 5698 7654 32",
        )
    )


def _row(kind: str, rng: random.Random) -> dict:
    if kind == "chat":
        rows = [{"role": "system", "content": "You are a helpful assistant."}] * (
            rng.random() < 0.5
        )
        for _ in range(rng.choice((1, 2, 2, 3))):
            rows.append({"role": "user", "content": make_text(rng, rng.randint(40, 700))})
            rows.append({"role": "assistant", "content": make_text(rng, rng.randint(200, 1800))})
        return {"messages": rows}
    if kind == "short":
        return {
            "messages": [
                {"role": "user", "content": make_text(rng, rng.randint(20, 60))},
                {"role": "assistant", "content": make_text(rng, rng.randint(30, 100))},
            ]
        }
    return {
        "instruction": make_text(rng, rng.randint(60, 400)),
        "input": make_text(rng, rng.randint(50, 400)) if rng.random() < 0.4 else "",
        "output": make_text(rng, rng.randint(200, 1400)),
    }


def _plant(row: dict, extra: str) -> dict:
    row = json.loads(json.dumps(row))
    if "messages" in row:
        row["messages"][-1]["content"] += " " + extra
    else:
        row["output"] += " " + extra
    return row


def _last(row: dict) -> dict:
    return row["messages"][-1] if "messages" in row else row


def _text_key(row: dict) -> str:
    return "content" if "messages" in row else "output"


def _with(value: object) -> Callable[[dict, str], str]:
    def make(_row: dict, line: str) -> str:
        row = json.loads(line)
        _last(row)[_text_key(row)] = value
        return json.dumps(row)

    return make


# Eighteen ways to break a line; each takes the row and its line and returns another line.
BREAKS: tuple[Callable[[dict, str], str], ...] = (
    lambda _row, line: line[: len(line) // 2],
    lambda _row, line: line.replace('"', "'"),
    lambda _row, line: line[:-1] + ",}",
    lambda _row, line: line + line,
    lambda _row, _line: "",
    lambda _row, _line: "null",
    lambda row, _line: json.dumps([row]),
    lambda _row, _line: "{}",
    _with(None),
    _with(42),
    _with(""),
    _with("  \n "),
    _with("\u200b\u200b"),
    _with("\ud83d"),
    lambda _row, line: line.replace('"role": "assistant"', '"role": "Assistant"').replace(
        '"output"', '"Output"'
    ),
    lambda _row, line: line.replace('"role": "user"', '"role": "customer"').replace(
        '"instruction"', '"instructions"'
    ),
    lambda _row, line: line[:-1] + ', "x": NaN}',
    lambda _row, line: line.replace('"content": "', '"content": "\x00', 1).replace(
        '"output": "', '"output": "\x00', 1
    ),
)


def jsonl(
    kind: str, size: int, broken: float, seed: int = 0, ways: int | None = None
) -> Iterator[bytes]:
    """Yield lines of JSON until `size` bytes are reached."""
    rng = random.Random(f"{kind}-{seed}")
    total, count, kept = 0, 0, []
    while total < size:
        luck = rng.random()
        if kept and luck < 0.01:
            row = rng.choice(kept)
        elif kept and luck < 0.015:
            row = _plant(rng.choice(kept), rng.choice(_ENGLISH))
        else:
            row = _row(kind, rng)
            if luck > 0.997:
                row = _plant(row, make_secret(rng))
        if len(kept) < 2000:
            kept.append(row)
        line = json.dumps(row, ensure_ascii=rng.random() < 0.25)
        if broken and rng.random() < broken:
            way = (count if ways is None else ways) % len(BREAKS)
            line, count = BREAKS[way](row, line), count + 1
        data = line.encode("utf-8", "surrogatepass") + b"\n"
        total += len(data)
        yield data


def csv_lines(size: int, broken: float, seed: int = 0) -> Iterator[bytes]:
    """Yield records of ``text,label`` until `size` bytes are reached."""
    rng = random.Random(f"csv-{seed}")
    yield b"text,label\n"
    total, count, kept = 11, 0, []
    labels = ("positive", "negative", "neutral", "mixed", "other")
    while total < size:
        luck = rng.random()
        text = rng.choice(kept) if kept and luck < 0.01 else make_text(rng, rng.randint(40, 300))
        if luck > 0.997:
            text += " " + make_secret(rng)
        if len(kept) < 2000:
            kept.append(text)
        if any(sign in text for sign in ',"\n\r') or rng.random() < 0.2:
            text = '"' + text.replace('"', '""') + '"'
        line = f"{text},{rng.choice(labels)}"
        if broken and rng.random() < broken:
            count += 1
            line = (
                f"{line},extra",
                f"{text}",
                f'"{line}',
                "",
                f"{text},",
                ",positive",
                f'a "word" inside,{labels[0]}',
            )[count % 7]
        data = line.encode() + b"\n"
        total += len(data)
        yield data


def write(kind: str, path: Path, size: int, broken: float, ways: int | None = None) -> Path:
    """Write one file of `kind`, unless it is there with that size already."""
    if path.is_file() and path.stat().st_size >= size:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    source = csv_lines(size, broken) if kind == "csv" else jsonl(kind, size, broken, ways=ways)
    with open(path, "wb") as stream:
        stream.writelines(source)
    return path


def parse_size(text: str) -> int:
    """Return bytes for ``100MB``, ``1GB`` or a plain number."""
    for suffix, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if text.upper().endswith(suffix):
            return int(float(text[: -len(suffix)]) * factor)
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=parse_size, default=10**8)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--broken", type=float, default=0.001)
    options = parser.parse_args()
    for kind in options.kinds:
        name = f"{kind}.{'csv' if kind == 'csv' else 'jsonl'}"
        path = write(kind, options.out / name, options.size, options.broken)
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
