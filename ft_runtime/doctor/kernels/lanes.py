"""Instructions: memory at any address, 64 bytes at once as the bits of one number, and others.

Numba has no name for these, so they are written as LLVM's own, which every processor has in some
form. All numbers are int64, as mixing signs makes numba use floats: `shift` is the shift to the
right for bits, and as numba lets LLVM assume that a sum of int64 never overflows, `plus` and
`times` are for those that may. Addresses are numbers too (``array.ctypes.data``): the caller keeps
what lies there alive, with 64 readable bytes behind the last that is looked at. Bit ``n`` of a mask
tells of the byte at ``address + n``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ft_runtime.doctor.kernels.jit import Promise

_LANES = 64
Emit = Callable[[Any, list[Any]], Any]


def signed(number: int) -> int:
    """Return the int64 with the bits of a number."""
    return number - (1 << 64) if number >> 63 else number


def instruction(count: int, emit: Emit, *, void: bool = False) -> Any:
    """Make a function of 1, 2 or 3 int64 that returns one, from what emits its code."""

    def make() -> Any:
        from numba import types
        from numba.extending import intrinsic

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            made = emit(builder, list(arguments))
            return context.get_dummy_value() if void else made

        def typed() -> Any:
            result = types.void if void else types.int64
            return result(*[types.int64] * count), generate

        if count == 1:  # numba reads the number of parameters off the function
            return intrinsic(lambda typing, one: typed())  # noqa: ARG005
        if count == 2:
            return intrinsic(lambda typing, one, two: typed())  # noqa: ARG005
        return intrinsic(lambda typing, one, two, three: typed())  # noqa: ARG005

    return Promise(make)


def read(builder: Any, address: Any, kind: Any) -> Any:
    """Emit the load of a value of a type from any address."""
    found = builder.load(builder.inttoptr(address, kind.as_pointer()))
    found.align = 1
    return found


def write(builder: Any, value: Any, address: Any) -> None:
    """Emit the store of a value to any address."""
    done = builder.store(value, builder.inttoptr(address, value.type.as_pointer()))
    done.align = 1


def _load(bits: int) -> Any:
    def emit(builder: Any, arguments: list[Any]) -> Any:
        from llvmlite import ir

        found = read(builder, arguments[0], ir.IntType(bits))
        return builder.zext(found, ir.IntType(64)) if bits < 64 else found

    return instruction(1, emit)


def _store(bits: int) -> Any:
    def emit(builder: Any, arguments: list[Any]) -> None:
        from llvmlite import ir

        address, number = arguments
        if bits < 64:
            number = builder.trunc(number, ir.IntType(bits))
        write(builder, number, address)

    return instruction(2, emit, void=True)


def _compare(operator: str) -> Any:
    def emit(builder: Any, arguments: list[Any]) -> Any:
        from llvmlite import ir

        byte, wide = ir.IntType(8), ir.VectorType(ir.IntType(8), _LANES)
        order = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)
        nothing = ir.Constant(wide, ir.Undefined)
        first = builder.trunc(arguments[1], byte)
        first = builder.insert_element(nothing, first, ir.IntType(32)(0))
        same = builder.shuffle_vector(first, nothing, order)
        data = read(builder, arguments[0], wide)
        return builder.bitcast(builder.icmp_unsigned(operator, data, same), ir.IntType(64))

    return instruction(2, emit)


def _copy(builder: Any, arguments: list[Any]) -> None:
    from llvmlite import ir

    source, target = arguments
    write(builder, read(builder, source, ir.VectorType(ir.IntType(8), _LANES)), target)


def _ones(builder: Any, arguments: list[Any]) -> Any:
    return builder.ctpop(arguments[0])


def _lowest(builder: Any, arguments: list[Any]) -> Any:
    from llvmlite import ir

    return builder.cttz(arguments[0], ir.IntType(1)(0))


def _shift(builder: Any, arguments: list[Any]) -> Any:
    return builder.lshr(*arguments)


def _plus(builder: Any, arguments: list[Any]) -> Any:
    return builder.add(*arguments)


def _times(builder: Any, arguments: list[Any]) -> Any:
    return builder.mul(*arguments)


def _turn(builder: Any, arguments: list[Any]) -> Any:
    return builder.bswap(arguments[0])


def _fold(builder: Any, arguments: list[Any]) -> Any:
    from llvmlite import ir

    word, double = ir.IntType(64), ir.IntType(128)
    product = builder.mul(*[builder.zext(each, double) for each in arguments])
    high = builder.trunc(builder.lshr(product, double(64)), word)
    return builder.xor(builder.trunc(product, word), high)


def constant(data: bytes) -> Any:
    """Return a function of one number, which it ignores, that gives the address of these bytes."""

    def emit(builder: Any, _arguments: list[Any]) -> Any:
        from llvmlite import ir
        from numba.core import cgutils

        array = cgutils.make_bytearray(data)
        return builder.ptrtoint(
            cgutils.global_constant(builder.module, "kernel.bytes", array), ir.IntType(64)
        )

    return instruction(1, emit)


load1: Callable[[int], int] = _load(8)
load2: Callable[[int], int] = _load(16)
load4: Callable[[int], int] = _load(32)
load8: Callable[[int], int] = _load(64)
store1: Callable[[int, int], None] = _store(8)
store2: Callable[[int, int], None] = _store(16)
store4: Callable[[int, int], None] = _store(32)
store8: Callable[[int, int], None] = _store(64)
# 64 bytes, from an address to another.
copy64: Callable[[int, int], None] = instruction(2, _copy, void=True)
# Of an address and a byte: which of 64 bytes are equal to it, less, at least as large.
equal: Callable[[int, int], int] = _compare("==")
below: Callable[[int, int], int] = _compare("<")
at_least: Callable[[int, int], int] = _compare(">=")
# How many bits are set; the place of the lowest of them, 64 for none.
ones: Callable[[int], int] = instruction(1, _ones)
lowest: Callable[[int], int] = instruction(1, _lowest)
shift: Callable[[int, int], int] = instruction(2, _shift)
# Modulo 2^64.
plus: Callable[[int, int], int] = instruction(2, _plus)
times: Callable[[int, int], int] = instruction(2, _times)
# The eight bytes in reverse order; the product of 128 bits, its halves folded by xor.
turned: Callable[[int], int] = instruction(1, _turn)
fold: Callable[[int, int], int] = instruction(2, _fold)
