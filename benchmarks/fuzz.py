"""Drive the readers of the data doctor with arbitrary bytes, for as long as you like.

    python benchmarks/fuzz.py --seconds 60 [--seed 1] [--tier numpy]
    python benchmarks/fuzz.py --atheris corpus -max_total_time=600

The first form mutates rows at random, with nothing installed; the second is guided by coverage and
needs `atheris`. Of any bytes it must hold that the scan ends without an exception, accounts for
every row, numbers the lines of the file, and says the same whatever the size of a block, and with
the compiled kernels, where numba is installed, as without them. What does not is kept in
`fuzz-failures`.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

SEEDS = (
    b'{"messages": [{"role": "user", "content": "a \\u00e9 \\n"}, '
    b'{"role": "assistant", "content": "b"}]}\n',
    b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "a \\u00e9"}, '
    b'{"text": "\xc3\xa9", "type": "text"}]}, '
    b'{"role": "assistant", "content": [{"type": "text", "text": "b"}]}]}\n',
    b'{"instruction": "a", "input": "", "output": "b", "id": 7}\n',
    b'{"prompt": "\\ud83d\\ude00", "completion": "\xc3\xa9 \\/ \\\\"}\r\n',
    b'{"text":"a","label":"pos"}\n',
    b'text,label\n"a ""q"", b",pos\nb,neg\n',
    b"text;label\na;1\n\n",
    b'[{"prompt": "a", "completion": "b"}]',
)
PIECES = (
    b'"', b"\\", b"\n", b"\r\n", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"NaN", b"1e999", b'""', b"null", b" ", b"\t",
    b"[" * 3000,
    b'"content": "", ', b'"role": "user", ',
    b'[{"type": "text", "text": "', b'"}, {"type": "text", "text": "',
    b"<|im_end|>", b"a@b.example", b"4111 1111 1111 1111",
)  # fmt: skip
NAMES = ("a.jsonl", "a.csv", "a.tsv", "a.json")


def mutated(rng: random.Random) -> bytes:
    """Return some rows, most of them damaged."""
    data = b"".join(rng.choice(SEEDS) * rng.randint(1, 3) for _ in range(rng.randint(1, 4)))
    for _ in range(rng.randint(0, 8)):
        at = rng.randint(0, len(data))
        kind = rng.random()
        if kind < 0.5:
            data = data[:at] + rng.choice(PIECES) + data[at:]
        elif kind < 0.75:
            data = data[:at] + data[at + rng.randint(1, 20) :]
        else:
            other = rng.randint(0, len(data))
            data = data[:at] + data[min(at, other) : max(at, other)] + data[at:]
    # So many rows that a kind of problem is told no more, and only counted.
    return data * (250 if rng.random() < 0.02 else 1)


class Serial:
    """Stands for a pool of processes: what is submitted is done at once, in this one."""

    def submit(self, action: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(action(*arguments))
        return done


def check(data: bytes, folder: Path, block: int, name: str) -> None:
    """Raise when the scan of these bytes breaks a promise."""
    from ft_runtime.doctor import scan
    from ft_runtime.doctor.csv import scan as tables
    from ft_runtime.doctor.engine import Options, scan_file

    path = folder / name
    path.write_bytes(data)
    whole = scan(path, workers=1).files[0]
    short, tables._SHORT = tables._SHORT, 1 + block % 7  # stretches behind a bad quote
    try:
        parts = scan(path, workers=1, block=block).files[0]
        pool: Any = Serial()
        ranges, _ = scan_file(str(path), "", Options(block=block, span=2 * block), pool, 3)
    finally:
        tables._SHORT = short
    assert whole.to_dict() == parts.to_dict(), f"a block of {block} bytes changes the result"
    assert whole.to_dict() == ranges.to_dict(), f"ranges of {2 * block} bytes change the result"
    if os.environ["FT_KERNELS"] == "on":
        os.environ["FT_KERNELS"] = "off"
        try:
            plain = scan(path, workers=1).files[0]
        finally:
            os.environ["FT_KERNELS"] = "on"
        assert whole.to_dict() == plain.to_dict(), "compiled kernels change the result"
    assert whole.valid
    if whole.refused:
        assert any(item.severity == "error" for item in whole.findings), "refused without a reason"
        return
    assert whole.fine + whole.broken == whole.rows, "a row is not accounted for"
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    assert whole.lines == lines, f"{whole.lines} lines of {lines}"
    told = {line for kept in whole.log.kept.values() for line, _ in kept}
    assert not told or (min(told) >= 1 and max(told) <= lines), "a line that is not there"


def at_random(seconds: float, seed: int, failures: Path) -> int:
    """Check mutated rows until the time is over; return how many inputs failed."""
    rng = random.Random(seed)
    until, count, failed = time.monotonic() + seconds, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < until:
            data, block, name = mutated(rng), rng.randint(20, 300), rng.choice(NAMES)
            count += 1
            try:
                check(data, Path(folder), block, name)
            except Exception:
                failed += 1
                failures.mkdir(exist_ok=True)
                (failures / f"{seed}-{count}-{block}-{name}").write_bytes(data)
                traceback.print_exc(limit=3)
    print(f"{count} inputs, {failed} failed")
    return failed


def guided(arguments: list[str]) -> None:
    """Let atheris look for inputs; it does not return."""
    import atheris

    with atheris.instrument_imports(include=["ft_runtime"]):
        import ft_runtime.doctor.engine  # noqa: F401
    folder = Path(tempfile.mkdtemp())

    def one(data: bytes) -> None:
        block, name = (
            (data[0] + 20, NAMES[data[1] % len(NAMES)]) if len(data) > 1 else (64, "a.csv")
        )
        check(data[2:], folder, block, name)

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def prepared() -> bool:
    """Return whether the kernels can be used, and say so."""
    from ft_runtime.doctor import kernels

    told = kernels.compile_all()
    print(f"kernels: {told}")
    return isinstance(told, Path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, help="arguments of libFuzzer")
    parser.add_argument("--tier", choices=["both", "numpy"], default="both")
    options = parser.parse_args()
    os.environ["FT_KERNELS"] = "on" if options.tier == "both" and prepared() else "off"
    if options.atheris is not None:
        guided(options.atheris)
    sys.exit(bool(at_random(options.seconds, options.seed, options.failures)))


if __name__ == "__main__":
    main()
