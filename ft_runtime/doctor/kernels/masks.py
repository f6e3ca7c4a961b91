"""Questions to 64 bytes at once, put together from comparisons with bytes.

``mask(is_byte(64) & is_digit(1))`` is an instruction that takes an address and returns a number of
64 bits: bit ``n`` says whether the byte at ``address + n`` is 64 and a digit follows it. What
counts for alignment and for the bytes that may be read is told in `lanes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ft_runtime.doctor.kernels.lanes import instruction, read

_LANES = 64
_LOWER = 32  # the bit that a capital lacks


@dataclass(frozen=True)
class Test:
    """What is asked of a byte and those near it; `emit` writes it for 64 of them."""

    __test__ = False  # not for pytest
    emit: Callable[[_Bytes], Any]

    def __and__(self, other: Test) -> Test:
        return Test(lambda data: data.builder.and_(self.emit(data), other.emit(data)))

    def __or__(self, other: Test) -> Test:
        return Test(lambda data: data.builder.or_(self.emit(data), other.emit(data)))

    def __invert__(self) -> Test:
        return Test(lambda data: data.builder.not_(self.emit(data)))


class _Bytes:
    """The 64 bytes at an address, and those a few places behind or before it."""

    def __init__(self, builder: Any, address: Any) -> None:
        from llvmlite import ir

        self.builder, self.address = builder, address
        self.kind = ir.VectorType(ir.IntType(8), _LANES)
        self._at: dict[int, Any] = {}

    def at(self, offset: int) -> Any:
        from llvmlite import ir

        if offset not in self._at:
            place = self.builder.add(self.address, ir.IntType(64)(offset))
            self._at[offset] = read(self.builder, place, self.kind)
        return self._at[offset]

    def all(self, byte: int) -> Any:
        from llvmlite import ir

        return ir.Constant(self.kind, [byte] * _LANES)


def is_byte(byte: int, offset: int = 0, *, either: int = 0) -> Test:
    """Ask for a byte `offset` places behind; with `either`, that bit of it may be set or not."""

    def emit(data: _Bytes) -> Any:
        there = data.at(offset)
        if either:
            there = data.builder.or_(there, data.all(either))
        return data.builder.icmp_unsigned("==", there, data.all(byte | either))

    return Test(emit)


def is_within(low: int, high: int, offset: int = 0, *, either: int = 0) -> Test:
    """Ask for a byte from `low` to `high`."""

    def emit(data: _Bytes) -> Any:
        there = data.at(offset)
        if either:
            there = data.builder.or_(there, data.all(either))
        shifted = data.builder.sub(there, data.all(low))
        return data.builder.icmp_unsigned("<=", shifted, data.all(high - low))

    return Test(emit)


def is_digit(offset: int = 0) -> Test:
    """Ask for 0 to 9."""
    return is_within(ord("0"), ord("9"), offset)


def is_capital(offset: int = 0) -> Test:
    """Ask for A to Z."""
    return is_within(ord("A"), ord("Z"), offset)


def is_letter(offset: int = 0) -> Test:
    """Ask for A to Z or a to z."""
    return is_within(ord("a"), ord("z"), offset, either=_LOWER)


def mask(test: Test) -> Callable[[int], int]:
    """Make an instruction of a test: from an address to a mask."""

    def emit(builder: Any, arguments: list[Any]) -> Any:
        from llvmlite import ir

        found = test.emit(_Bytes(builder, arguments[0]))
        return builder.bitcast(found, ir.IntType(_LANES))

    made: Callable[[int], int] = instruction(1, emit)
    return made
