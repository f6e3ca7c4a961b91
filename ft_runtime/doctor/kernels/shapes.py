"""Closer looks at one place that `marks` came upon, whether a pattern may match there.

Each is implied by its pattern in `secrets.patterns`, which has the last word. `at` is the address
of a byte, `first` that of the block, before which nothing is read; behind `at`, 64 bytes may be.
"""

from __future__ import annotations

from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import load1, load4

_LOWER = 32
_LINE, _SPACE, _PERCENT, _OPEN, _CLOSE, _PLUS = b"\n %()+"
_DASH, _DOT, _SLASH, _ZERO, _THREE, _SIX, _NINE = b"-./0369"
_CAPITAL_A, _CAPITAL_Z, _BACKSLASH, _UNDERSCORE, _A, _Z, _BAR = b"AZ\\_az|"


def _word(text: bytes) -> int:
    """Return bytes as the number that `load4` makes of them."""
    return int.from_bytes(text, "little")


_TWO_BYTES, _THREE_BYTES, _ALL_BUT_THIRD = 0xFFFF, 0xFFFFFF, 0xFF00FFFF
_HF, _SK, _SK_, _RK_, _XOX, _EYJ = map(_word, (b"hf_", b"sk-", b"sk_", b"rk_", b"xox", b"eyJ"))
_AKIA, _ASIA, _AIZA, _GLPA = map(_word, (b"AKIA", b"ASIA", b"AIza", b"glpa"))
_NPM, _GITH, _UB_P, _GH = map(_word, (b"npm_", b"gith", b"ub_p", b"gh\0_"))
_BEGI, _DASHES = map(_word, (b"BEGI", b"----"))
_S, _END_S, _STAR, _END, _MASK = map(_word, (b"s>", b"/s>", b"star", b"end_", b"mask"))
_PAD, _UNK, _EOS, _BOS = map(_word, (b"pad>", b"unk>", b"eos>", b"bos>"))


@inline
def before(at: int, count: int, first: int) -> int:
    """Return the byte `count` places before; a line break where the block begins."""
    return load1(at - count) if at >= first + count else _LINE


@inline
def digit(byte: int) -> bool:
    """Tell 0 to 9."""
    return byte >= _ZERO and byte <= _NINE


@inline
def letter(byte: int) -> bool:
    """Tell A to Z or a to z."""
    return (byte | _LOWER) >= _A and (byte | _LOWER) <= _Z


@inline
def account(byte: int) -> bool:
    """Tell a capital or a digit."""
    return (byte >= _CAPITAL_A and byte <= _CAPITAL_Z) or digit(byte)


@inline
def digits(at: int, count: int) -> bool:
    """Tell whether so many digits follow."""
    for i in range(count):
        if not digit(load1(at + i)):
            return False
    return True


@inline
def key(at: int) -> bool:
    """Tell whether the first bytes are those of a service's keys."""
    word = load4(at)
    three = word & _THREE_BYTES
    return (
        three == _HF
        or three == _SK
        or three == _SK_
        or three == _RK_
        or three == _XOX
        or three == _EYJ
        or word == _AKIA
        or word == _ASIA
        or word == _AIZA
        or word == _GLPA
        or word == _NPM
        or (word == _GITH and load4(at + 4) == _UB_P)
        or (word & _ALL_BUT_THIRD) == _GH
    )


@inline
def email(at: int, first: int) -> bool:
    """Tell whether the @ has a name before it, and a name with a point behind it."""
    byte = before(at, 1, first)
    local = letter(byte) or digit(byte) or byte == _DOT or byte == _DASH or byte == _UNDERSCORE
    if not (local or byte == _PERCENT or byte == _PLUS):
        return False
    at += 1
    for i in range(64):
        byte = load1(at + i)
        if byte == _DOT:
            return i > 0
        if not (letter(byte) or digit(byte) or byte == _DASH):
            return False
    return False


@inline
def private_key(at: int) -> bool:
    """Tell whether ``BEGI`` follows the dash."""
    return load4(at + 1) == _BEGI


@inline
def ssn(at: int, first: int) -> bool:
    """Tell whether the dash is the first of ``ddd-dd-dddd``."""
    return (
        digit(before(at, 3, first))
        and digits(at - 2, 2)
        and not digit(before(at, 4, first))
        and digits(at + 1, 2)
        and load1(at + 3) == _DASH
        and digits(at + 4, 4)
        and not digit(load1(at + 8))
    )


@inline
def ipv4(at: int, first: int) -> int:
    """Return the first of three points with one to three digits between, given the last; or 0."""
    if not digit(load1(at + 1)):
        return 0
    for _ in range(2):
        count = 1
        while count <= 3 and digit(load1(at - count)):
            count += 1
        at -= count
        if count == 1 or load1(at) != _DOT:
            return 0
    count = 1
    while count <= 3 and digit(before(at, count, first)):
        count += 1
    byte = before(at, count, first)
    return 0 if count == 1 or byte == _DOT or digit(byte) else at


@inline
def card(at: int, first: int) -> bool:
    """Tell whether 15 digits or more, in groups perhaps, begin here with 3 to 6."""
    byte = load1(at)
    if byte < _THREE or byte > _SIX:
        return False
    byte = before(at, 1, first)
    if digit(byte) or byte == _DOT or byte == _DASH:
        return False
    count = 0
    for i in range(19):
        byte = load1(at + i)
        if digit(byte):
            count += 1
        elif byte != _SPACE and byte != _DASH:
            break
    return count >= 15


@inline
def iban(at: int, first: int) -> bool:
    """Tell whether two groups of four capitals or digits follow the first one."""
    byte = before(at, 1, first)
    if (letter(byte) or digit(byte)) and not (
        before(at, 2, first) == _BACKSLASH or before(at, 6, first) == _BACKSLASH
    ):
        return False
    at += 4
    for _ in range(2):
        if load1(at) == _SPACE:
            at += 1
        for i in range(4):
            if not account(load1(at + i)):
                return False
        at += 4
    return True


@inline
def between(byte: int) -> bool:
    """Tell a sign that stands between groups of digits."""
    return byte == _SPACE or (byte >= _DASH and byte <= _SLASH)


@inline
def last_four(at: int, first: int) -> bool:
    """Tell whether the four digits that end here are the last of a telephone number, or so.

    Before them stand a sign and three digits, or up to five of which the first is a zero.
    """
    for i in range(4):
        if not digit(before(at, i, first)):
            return False
    if not between(before(at, 4, first)):
        return False
    for i in range(5, 8):
        if not digit(before(at, i, first)):
            return False
    byte = before(at, 8, first)
    if not digit(byte):
        return True
    next_one = before(at, 9, first)
    if not digit(next_one):
        return byte == _ZERO
    return next_one == _ZERO and not digit(before(at, 10, first))


@inline
def pairs(at: int, first: int) -> bool:
    """Tell whether the third of five pairs of digits ends here, of which the first has a zero."""
    if before(at, 7, first) != _ZERO or digit(before(at, 8, first)):
        return False
    if not digit(before(at, 6, first)) or not digit(before(at, 3, first)):
        return False
    sign = before(at, 5, first)
    return (
        between(sign)
        and digit(before(at, 4, first))
        and before(at, 2, first) == sign
        and digit(before(at, 1, first))
        and digit(before(at, 0, first))
        and load1(at + 1) == sign
        and digits(at + 2, 2)
        and load1(at + 4) == sign
        and digits(at + 5, 2)
    )


@inline
def international(at: int) -> bool:
    """Tell whether eight digits begin here, with at most two signs between."""
    count = signs = 0
    for i in range(40):
        byte = load1(at + i)
        if digit(byte):
            count += 1
            signs = 0
            if count == 8:
                return True
        else:
            signs += 1
            if signs > 2 or not (between(byte) or byte == _OPEN or byte == _CLOSE):
                return False
    return False


@inline
def placeholder(at: int) -> bool:
    """Tell whether a name may begin behind two braces."""
    byte = load1(at + 2)
    if byte == _SPACE:
        byte = load1(at + 3)
    return letter(byte) or byte == _UNDERSCORE


@inline
def special(at: int) -> bool:
    """Tell whether a special token may begin at a <."""
    word = load4(at + 1)
    byte = word & 0xFF
    if byte == _BAR:
        return letter(load1(at + 2))
    return (
        (word & _TWO_BYTES) == _S
        or (word & _THREE_BYTES) == _END_S
        or word == _STAR
        or word == _END
        or word == _PAD
        or word == _UNK
        or word == _EOS
        or word == _BOS
        or word == _MASK
    )
