"""Secrets and personal data: each form is found, on its line, and never shown in full.

In both tiers, which must find what the patterns find when they go over all bytes.
"""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ft_runtime.doctor import scan
from ft_runtime.doctor.secrets import patterns, phones, triggers
from ft_runtime.doctor.secrets.find import PAD, confirm, finder

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
    "phone": "(212) 555-0123",
}
PHONES = [
    "+44 20 7946 0958", "+442079460958", "+44 (0)20 7946 0958", "+1 212 555 0123", "+1-212-555-0123", "+1 (212) 555-0123",
    "+12125550123", "+49 171 1234567", "+33 6 12 34 56 78", "+39.06.1234.5678", "+380 44 123 45 67",
    "212-555-0123", "212.555.0123", "(212) 555-0123", "(212)555-0123", "1-800-555-0199", "1 (212) 555-0123",
    "020 7946 0958", "0161 496 0000", "07700 900123", "030 1234567", "0171/1234567", "0171-12345678",
    "06 12 34 56 78", "01.23.45.67.98", "tel: 555-0123", "call me at 212 555 0123", "phone number: 555 0123",
]  # fmt: skip
NO_PHONES = [
    "555-0123", "212 555 0123", "2019-2020", "2023-01-15", "12/31/2023", "1914-1918", "10.1234.5678", "123-45-678", "192.168.1.1",
    "1.2.3.4", "v2.0.1", "1234567890", "1699999999", "978-3-16-148410-0", "0-306-40615-2", "+20000000", "+49.123456789", "+48.771668 -117.5",
    "x+4912345678901", "1+12125550123", "112-555-0123", "212-155-0123", "911-555-0123", "01 02 03 04 05", "01 23 45 67 89 10",
    "00 12 34 56 78", "100 2000 30000", "1 000 0000", "+1 112 555 0123", "+999 123 456 789", "/212-555-0123/", "212-555-01234",
    "5-212-555-0123", "212-555-0123-4", "A212-555-0123", "0123-4567", "012 345 678", "1234 5678 9012 3456", "+02:00", "3.14159-2.71828",
]  # fmt: skip
ODDITIES = [
    "{{name}}",
    "{{ user.name }}",
    "<|im_end|>",
    "<start_of_turn>",
    "</s>",
    "<pad>",
    "\u2028",
]
HARMLESS = [
    "4111 1111 1111 1112", "0000-0000-0000-0000", "GB82 WEST 1234 5698 7654 33", "999.1.1.1", "1.2.3", "1.2.3.4.5",
    "000-12-3456", "12-345-6789", "a@b", "sk-short", "AKIAshort", "task-list-of-the-day-is-longer-than-thirty-two",
    "2023-01-15 12:30", "https://example.com/a/very/long/path/of/an/url/without/a/key/in/it", "-----BEGIN CERTIFICATE-----",
]  # fmt: skip


@pytest.fixture(scope="module")
def search(tier):
    return finder(tier == "compiled")


def hits(search, text: str | bytes) -> list[tuple[str, int, bytes]]:
    block = text.encode() if isinstance(text, str) else text
    end = len(block)
    return sorted(
        confirm(block + bytes(PAD), end, search.find(block + bytes(PAD), end, True, True))
    )


def found(search, text: str) -> dict[str, int]:
    return dict(Counter(code for code, _, _ in hits(search, text)))


def by_patterns_alone(block: bytes) -> list[tuple[str, int, bytes]]:
    """What the patterns find that are not stopped by anything."""
    made = [
        (patterns.KEY_NAMES[(m.lastindex or 1) - 1], m.start(), m[0])
        for m in patterns.KEY.finditer(block)
    ]
    for code, form, fine in (
        ("email", patterns.EMAIL, None),
        ("private_key", patterns.PRIVATE_KEY, None),
        ("us_ssn", patterns.SSN, None),
        ("ipv4", patterns.IPV4, None),
        ("card_number", patterns.CARD, patterns.luhn),
        ("iban", patterns.IBAN, patterns.iban),
        ("placeholders", patterns.PLACEHOLDER, None),
        ("special_tokens", patterns.SPECIAL, None),
        ("line_separators", re.compile(b"\xe2\x80[\xa8\xa9]"), None),
    ):
        made += [(code, m.start(), m[0]) for m in form.finditer(block) if not fine or fine(m[0])]
    return sorted(made)


def same(search, block: bytes) -> None:
    got = hits(search, block)
    assert [hit for hit in got if hit[0] != "phone"] == by_patterns_alone(block)
    told = [hit for hit in got if hit[0] == "phone"]
    with_plus = [
        ("phone", m.start(), m[0])
        for m in phones.INTERNATIONAL.finditer(block)
        if phones.is_international(m[0])
    ]
    assert [hit for hit in told if hit[2].startswith(b"+")] == with_plus
    numpy = [hit for hit in hits(finder(False), block) if hit[0] == "phone"]
    assert told == numpy


@pytest.mark.parametrize("code", SECRETS)
@pytest.mark.parametrize("around", ["{}", "key={}", "x {} y", "“{}”", "é{}é", "({}),"])
def test_each_form_is_found(search, code, around):
    if code in ("email",) and around == "key={}":
        return  # "key=" is a legal beginning of nothing: the address behind it is found all the same
    text = "words before it, " + around.replace("{}", SECRETS[code]) + " and words behind it"
    assert found(search, text) == {code: 1}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_left_alone(search, text):
    assert found(search, "some words " + text + " more words") == {}


def test_windows_miss_nothing_at_their_edges(search):
    for code, secret in SECRETS.items():
        for shift in range(-len(secret) - 2, 3, 3):
            before = "a " * ((triggers.WINDOW + shift) // 2)
            assert found(search, before + secret + " end of text, some more words") == {code: 1}, (
                code,
                shift,
            )


PIECES = st.one_of(
    st.sampled_from([*SECRETS.values(), *HARMLESS, *PHONES, *NO_PHONES, *ODDITIES]),
    st.sampled_from(["\\n", "\\u201c", "\n", " ", "-", ".", "+", "0", "1234", "{", "<", "|", "A", "a" * 20, "é", "@"]),
    st.text("0123456789 +-./()@{<|ABZaz_\\", max_size=24),
    st.text(max_size=6),
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=12), st.sampled_from(["", " "]), st.data())
def test_what_the_patterns_find_is_found(search, parts, between, data):
    block = between.join(parts).encode("utf-8", "ignore")
    start = data.draw(st.integers(0, len(block)))
    stop = data.draw(st.integers(start, len(block)))
    same(search, block[start:stop])


def test_borders_of_what_is_looked_at_at_once_hide_nothing(search):
    """Kernels read 56 bytes after the other, the stretches of which they take notes are 14 KB."""
    texts = [*SECRETS.values(), *ODDITIES, *PHONES[:8], *PHONES[15:25]]
    for shift in range(57):
        block = b" " * shift + b"".join(text.encode().ljust(112, b" ") for text in texts)
        assert len(by_patterns_alone(block)) + 19 == len(hits(search, block)), shift
        same(search, block)
        same(search, b"a b " * (256 * 56 // 4 - 14) + block)


def test_more_places_than_there_is_room_for(search):
    for text in (
        "{{a}}",
        "@",
        "1-",
        "12-34-",
        "<|a|>",
        "1.",
        "a@b.de ",
        "111122223333",
        "AA11",
        "06 12 34 56 78 ",
    ):
        same(search, text.encode() * (300_000 // len(text)))  # fmt: skip


@pytest.mark.parametrize("text", PHONES)
def test_telephone_numbers_are_found(search, text):
    assert found(search, f"reach us: {text}, or by letter") == {"phone": 1}
    assert found(search, f"{text}") == {"phone": 1}
    assert found(search, f'{{"text": "Hello,\\n{text}\\n"}}') == {"phone": 1}


@pytest.mark.parametrize("text", NO_PHONES)
def test_other_numbers_are_no_telephone_numbers(search, text):
    assert "phone" not in found(search, f"we had {text}, or so")


@pytest.mark.parametrize("code", SECRETS)
def test_each_form_is_found_at_any_place(search, code):
    for shift in range(9):
        assert found(search, "=" * shift + " " + SECRETS[code] + " and some words behind") == {
            code: 1
        }


def test_secrets_are_told_by_line_and_masked(tier, tmp_path):
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


def test_the_wider_net_for_telephone_numbers_is_an_option(tier, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ncall +44 20 7946 0958 now,x\nor 212 555 0123,x\n")
    assert scan(path).files[0].marks.counts["phone"] == 1
    assert scan(path, checks=["secrets", "phone"]).files[0].marks.counts["phone"] == 2
    assert scan(path, checks=["phone"]).files[0].marks.counts["phone"] == 2
    assert "phone" not in scan(path, checks=["text"]).files[0].marks.counts


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*PHONES, *NO_PHONES]), st.text("0123456789 +-./()n\\", max_size=20)
        ),
        max_size=8,
    )
)
def test_the_wider_net_holds_what_its_pattern_finds(parts):
    block = " , ".join(parts).encode()
    places = triggers.Passes().find_phones(block + bytes(PAD), len(block))
    got, done = [], 0
    for place in sorted(places):
        if place >= done and (match := phones.find_any(block, place, done, len(block))):
            got.append(match[0])
            done = match.end()
    assert got == [match[0] for match in phones.ANY.finditer(block)]


def test_placeholders_and_special_tokens_are_told(tier, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\nDear {{ name }},x\n<|im_end|> b,y\n{{,x\n")
    (file,) = scan(path).files
    assert dict(file.marks.rows) == {"placeholders": 1, "special_tokens": 1}
    assert file.marks.kept["placeholders"][0][0] == 2


def test_a_kind_that_was_told_enough_is_counted_on(tmp_path, tier):
    path = tmp_path / "a.jsonl"
    with open(path, "w", encoding="utf-8") as stream:
        for i in range(1000):
            row = {"prompt": f"{i}: a{i}@mail.example.com, b@mail.example.com", "completion": "x"}
            stream.write(json.dumps(row) + "\n")
    (file,) = scan(path, workers=1, block=1 << 12).files
    assert file.marks.counts["email"] == 2000
    assert file.marks.rows["email"] == 1000
