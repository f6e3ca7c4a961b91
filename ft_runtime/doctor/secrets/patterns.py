"""The patterns of secrets, personal data and other text worth a warning, and their check sums.

Each pattern runs at a few places alone: `triggers`, or the kernel `marks`, says where.
"""

from __future__ import annotations

import re

# JSON writes a line break, a tab or a quotation mark so, and the letter is none of a word.
ESCAPE = rb"|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
_EDGE = rb"(?:(?<![A-Za-z0-9_-])" + ESCAPE + rb")"

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
    rb"(?:(?<![A-Za-z0-9])" + ESCAPE + rb")"
    rb"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
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


def mask(text: bytes) -> str:
    """Return a text with all but its first characters hidden: enough to find it, no more."""
    shown = text[:4].decode("ascii", "replace")
    return f"{shown}… ({len(text)} characters)"
