"""Secrets and personal data: each form is found, on its line, and never shown in full."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor import scan
from ft_runtime.doctor.secrets import patterns, triggers
from ft_runtime.doctor.secrets.find import find_secrets

# Put together here, so that no scanner of repositories takes the test for a leak.
SECRETS = {
    "aws_access_key": "AKIA" + "ABCDEFGH12345678",
    "github_token": "ghp" + "_" + "a1B2" * 9,
    "huggingface_token": "hf" + "_" + "a1B2" * 9,
    "anthropic_key": "sk-" + "ant-" + "a1B2-" * 8,
    "openai_key": "sk-" + "proj-" + "a1B2" * 12,
    "google_key": "AI" + "za" + "a1B2c" * 7,
    "slack_token": "xox" + "b-" + "1234567890-" * 2 + "abc",
    "stripe_key": "sk" + "_live_" + "a1B2" * 6,
    "gitlab_token": "gl" + "pat-" + "a1B2" * 5,
    "npm_token": "npm" + "_" + "a1B2" * 9,
    "json_web_token": "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0NTY3.abcdefghijklmnop",
    "private_key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "email": "some.one+tag@mail.example.com",
    "us_ssn": "123-45-6789",
    "ipv4": "203.0.113.7",
    "card_number": "4111 1111 1111 1111",
    "iban": "GB82 WEST 1234 5698 7654 32",
}
HARMLESS = [
    "4111 1111 1111 1112", "0000-0000-0000-0000", "GB82 WEST 1234 5698 7654 33", "999.1.1.1", "1.2.3", "1.2.3.4.5",
    "000-12-3456", "12-345-6789", "a@b", "sk-short", "AKIAshort", "task-list-of-the-day-is-longer-than-thirty-two",
    "2023-01-15 12:30", "https://example.com/a/very/long/path/of/an/url/without/a/key/in/it", "-----BEGIN CERTIFICATE-----",
]  # fmt: skip


def found(text: str) -> dict[str, int]:
    block = text.encode()
    block, end = block + bytes(64), len(block)
    data = np.frombuffer(block, np.uint8, count=end)
    passes = triggers.Passes()
    hits = {
        h
        for at, window in passes.windows(data)
        for h in find_secrets(block, end, at, window, passes)
    }
    made: dict[str, int] = {}
    for code, _, _ in hits:
        made[code] = made.get(code, 0) + 1
    return made


@pytest.mark.parametrize("code", SECRETS)
@pytest.mark.parametrize("around", ["{}", "key={}", "x {} y", "“{}”", "é{}é", "({}),"])
def test_each_form_is_found(code, around):
    if code in ("email",) and around == "key={}":
        return  # "key=" is a legal beginning of nothing: the address behind it is found all the same
    text = "words before it, " + around.replace("{}", SECRETS[code]) + " and words behind it"
    assert found(text) == {code: 1}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_left_alone(text):
    assert found("some words " + text + " more words") == {}


def test_windows_miss_nothing_at_their_edges():
    for code, secret in SECRETS.items():
        for shift in range(-len(secret) - 2, 3, 3):
            before = "a " * ((triggers.WINDOW + shift) // 2)
            assert found(before + secret + " end of text, some more words") == {code: 1}, (
                code,
                shift,
            )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from([*SECRETS.values(), *HARMLESS]), st.text(max_size=12)), max_size=8
    )
)
def test_the_triggers_lose_no_match_of_a_pattern(parts):
    text = (
        " ".join(part.encode("utf-8", "ignore").decode() for part in parts)
        + " some words at the end of it all"
    )
    block = text.encode()
    got = found(text)
    keys = {patterns.KEY_NAMES[(m.lastindex or 1) - 1] for m in patterns.KEY.finditer(block)}
    assert keys <= set(got)
    for code, form in (
        ("email", patterns.EMAIL),
        ("us_ssn", patterns.SSN),
        ("ipv4", patterns.IPV4),
        ("private_key", patterns.PRIVATE_KEY),
    ):
        assert bool(form.search(block)) == (code in got)
    assert any(patterns.luhn(m[0]) for m in patterns.CARD.finditer(block)) <= ("card_number" in got)


@pytest.mark.parametrize("code", SECRETS)
def test_each_form_is_found_at_any_place(code):
    for shift in range(9):
        assert found("=" * shift + " " + SECRETS[code] + " and some words behind") == {code: 1}


def test_secrets_are_told_by_line_and_masked(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"prompt": "a", "completion": f"{i}"} for i in range(5)]
    rows[3]["completion"] = "mine is " + SECRETS["github_token"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (file,) = scan(path, checks=["secrets"]).files
    ((line, problem),) = file.marks.kept["github_token"]
    assert line == 4
    assert SECRETS["github_token"][:5] not in json.dumps(problem.values)
    assert not re.search(
        SECRETS["github_token"], json.dumps([f.to_dict() for f in file.row_findings()])
    )
    assert scan(path, checks=[]).files[0].marks.counts == {}


def test_telephone_numbers_are_an_option(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ncall +44 20 7946 0958 now,x\n")
    assert "phone" not in scan(path).files[0].marks.counts
    assert scan(path, checks=["phone"]).files[0].marks.counts["phone"] == 1


def test_placeholders_and_special_tokens_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\nDear {{ name }},x\n<|im_end|> b,y\n{{,x\n")
    (file,) = scan(path).files
    assert dict(file.marks.rows) == {"placeholders": 1, "special_tokens": 1}
    assert file.marks.kept["placeholders"][0][0] == 2
