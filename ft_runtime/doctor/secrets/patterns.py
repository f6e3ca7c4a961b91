"""The patterns of secrets, personal data and other text worth a warning, and their check sums.

Each pattern runs at a few places alone: `triggers`, or the kernel `marks`, says where.
"""

from __future__ import annotations

import re
from itertools import pairwise

# JSON writes a line break, a tab or a quotation mark so, and the letter is none of a word.
_ESCAPE = rb"|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
_EDGE = rb"(?:(?<![A-Za-z0-9_-])" + _ESCAPE + rb")"

# Keys and tokens of services whose form is public; long runs of letters and digits.
KEYS: tuple[tuple[str, bytes], ...] = (
    ("aws_access_key", rb"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("github_token", rb"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})"),
    ("huggingface_token", rb"hf_[A-Za-z0-9]{30,}"),
    ("anthropic_key", rb"sk-ant-[A-Za-z0-9_-]{24,}"),
    ("openai_key", rb"sk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}"),
    ("google_key", rb"AIza[A-Za-z0-9_-]{35}"),
    ("slack_token", rb"xox[abprs]-[A-Za-z0-9-]{14,}"),
    ("stripe_key", rb"[sr]k_live_[A-Za-z0-9]{20,}"),
    ("gitlab_token", rb"glpat-[A-Za-z0-9_-]{20,}"),
    ("npm_token", rb"npm_[A-Za-z0-9]{36}"),
    ("json_web_token", rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
)
KEY = re.compile(_EDGE + b"(?:" + b"|".join(b"(%b)" % form for _, form in KEYS) + b")")
KEY_NAMES = tuple(name for name, _ in KEYS)
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY-----")

EMAIL = re.compile(
    rb"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"
    rb"(?![A-Za-z0-9-])"
)
SSN = re.compile(rb"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])")
_OCTET = rb"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = re.compile(rb"(?<![\d.])(?:" + _OCTET + rb"\.){3}" + _OCTET + rb"(?!\.?\d)")
# Behind a u, digits belong to an escape of JSON.
CARD = re.compile(
    rb"(?<![\d.u-])[3-6]\d{3}(?:[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}|[ -]?\d{6}[ -]?\d{5})(?![\d-])"
)
IBAN = re.compile(
    rb"(?:(?<![A-Za-z0-9])" + _ESCAPE + rb")"
    rb"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)

# Telephone numbers. Those with a country's code (ITU-T E.164) begin with a +.
_COUNTRY = (
    rb"(?:7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    rb"|2(?:1[1-368]|[2-6]\d|9[017-9])|3[578]\d|42[013]|5[09]\d|6(?:[78]\d|9[0-2])"
    rb"|8(?:0[08]|5[02356]|7[08]|8[06])|9(?:6[0-8]|7[0-79]|9[2-8]))"
)
# North America: area and exchange begin with 2 to 9, and are no N11.
_AREA, _EXCHANGE = rb"[2-9](?!11)[0-8]\d", rb"[2-9](?!11)\d\d"
INTERNATIONAL = re.compile(
    rb"(?:(?<![\w+])" + _ESCAPE + rb")\+(?:"
    rb"1[ .-]?(?:\(" + _AREA + rb"\) ?|" + _AREA + rb"[ .-]?)" + _EXCHANGE + rb"[ .-]?\d{4}"
    rb"|" + _COUNTRY + rb"(?:[ ()./-]{0,2}\d){6,12})(?!\w)"
)
# Without one, by its signs and sizes: (212) 555-0123, 212-555-0123, 212.555.0123; with its own
# zero 020 7946 0958, 030 1234567, 0171/1234567 and 06 12 34 56 78; or behind a word that says so.
_NUMBER = rb"(?:(?<![\w+./#$%&-])" + _ESCAPE + rb")"
_ALONE, _END, _END_ALONE = rb"(?<!\d[ ./-])", rb"(?![\w-]|\.\d)", rb"(?![\w/-]|[ .]\d)"
NATIONAL = re.compile(
    _NUMBER + rb"(?:(?:1[ .-])?(?:\(" + _AREA + rb"\) ?" + _EXCHANGE + rb"[ .-]\d{4}"
    rb"|"
    + _AREA
    + rb"-"
    + _EXCHANGE
    + rb"-\d{4}|"
    + _AREA
    + rb"\."
    + _EXCHANGE
    + rb"\.\d{4})"
    + _END
    + rb"|"
    + _ALONE
    + rb"(?:"
    rb"\(?0[1-9]\d{1,3}\)?[ /-](?:\d{5,8}|\d{3,4}[ -]\d{3,4})"
    rb"|0[1-9]([ .-])\d\d(?:\1\d\d){3}"
    rb"|(?P<short>(?:" + _AREA + rb"[ .-])?" + _EXCHANGE + rb"[ .-]\d{4}))" + _END_ALONE + rb")"
)
_CALL = re.compile(
    rb"(?i)(?:\b"
    + _ESCAPE
    + rb")(?:tele(?:phone|fon)|tel|phone|mobile|cell|fax|call|text|dial|whatsapp)\b[^\w+]{0,3}"
    rb"(?:(?:number|no|nr|us|me|at|on|is)\b[^\w+]{0,3}){0,3}\Z"
)
# The wider net, on request: any grouping that a number may have.
PHONE = re.compile(
    rb"(?<![\w+-])(?<!\d[ .])(?:\+\d(?:[ ./()-]{0,2}\d){7,14}|\(?\d{2,4}\)?[ .-]\d{3,4}[ .-]\d{4}"
    rb"|0\d{2,4}[ /-]\d{5,8})(?![ .-]?\d|[\w-])"
)

PLACEHOLDER = re.compile(rb"\{\{ ?[A-Za-z_][A-Za-z0-9_.]{0,40} ?\}\}")
SPECIAL = re.compile(
    rb"<\|[a-z][a-z0-9_]{1,30}\|>|<(?:start|end)_of_turn>|</?s>|<(?:pad|unk|eos|bos|mask)>"
)


def luhn(digits: bytes) -> bool:
    """Return whether a card number's check digit is right (ISO/IEC 7812-1)."""
    numbers = [byte - 48 for byte in digits if 48 <= byte <= 57]
    total = sum(numbers[-1::-2]) + sum((2 * n) // 10 + (2 * n) % 10 for n in numbers[-2::-2])
    return len(set(numbers)) > 1 and total % 10 == 0


def iban(text: bytes) -> bool:
    """Return whether an IBAN's check digits are right (ISO 13616: mod 97 is 1)."""
    plain = text.replace(b" ", b"").decode()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def international(text: bytes) -> bool:
    """Return whether a text with a + and digits is a telephone number, not one to reckon with."""
    groups = re.split(rb"[ ()./-]+", text[1:])
    count = sum(map(len, groups))
    if not 8 <= count <= 15 or text.endswith(b"00000"):
        return False
    if len(groups) == 1:
        return count >= 10
    if len(groups) == 2 and b"." in text:  # with decimals
        return False
    return sum(len(group) == 1 for group in groups[1:]) < 2


def national(match: re.Match[bytes]) -> bool:
    """Return whether a match of `NATIONAL` is a telephone number."""
    text = match[0]
    if match["short"] is not None:
        return _CALL.search(match.string[max(0, match.start() - 32) : match.start()]) is not None
    if not text.lstrip(b"(").startswith(b"0"):
        return True
    groups = [int(group) for group in re.findall(rb"\d+", text)]
    if len(groups) == 5:  # 01 02 03 04 05 are numbers of something
        return len({b - a for a, b in pairwise(groups)}) > 1
    return 10 <= sum(48 <= byte <= 57 for byte in text) <= 12


def mask(text: bytes) -> str:
    """Return a text with all but its first characters hidden: enough to find it, no more."""
    shown = text[:4].decode("ascii", "replace")
    return f"{shown}… ({len(text)} characters)"
