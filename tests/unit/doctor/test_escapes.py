"""Resolving the escapes of many texts at once says what is said of each alone."""

from __future__ import annotations

import json
import sys

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from ft_runtime.doctor.blank import is_blank
from ft_runtime.doctor.jsonl import escapes

pieces = st.sampled_from(
    ["\\u00e9", "\\u0041", "\\u0022", "\\u005c", "\\u005C", "\\u000a", "\\u0001", "\\u0000", "\\u001f",
     "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u200b", "\\u0020", "\\\\u0041", "\\\\", "\\/", '\\"',
     "\\n", "a", " ", "é", "日", "u0001", "\\u2028", "\\u12", "\\uD83D\\uDE00", "\\u007f"]
)  # fmt: skip
spans = st.lists(pieces, max_size=6).map(lambda parts: "".join(parts).encode())


# The second stands in where the first is not installed.
READERS = {"orjson": orjson.loads, "msgspec": msgspec.json.Decoder(list[str]).decode}


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=300, deadline=None)
@given(many=st.lists(spans, min_size=1, max_size=8))
def test_many_at_once_are_what_each_is(reader, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(escapes, "_list_reader", lambda: READERS[reader])
        digests, lengths, doubtful, blank = escapes.resolve(many)
    for i, span in enumerate(many):
        try:
            text = json.loads(b'"' + span + b'"')
            text.encode()
        except ValueError:
            assert doubtful[i]
            continue
        assert doubtful[i] == bool(escapes.CONTROL.search(text))
        if not doubtful[i]:
            canonical = escapes.json_bytes()(text)[1:-1]
            assert int(digests[i]) == xxh3_64_intdigest(canonical)
            assert lengths[i] == len(text)
            assert blank[i] == is_blank(text)


def test_without_orjson_msgspec_reads(monkeypatch):
    monkeypatch.setitem(sys.modules, "orjson", None)
    read = escapes._list_reader.__wrapped__()
    assert read(b'["\\u00e9"]') == ["é"]
    assert read.__self__.__class__ is msgspec.json.Decoder
