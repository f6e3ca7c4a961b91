"""Reading memory at any address, and 64 bytes at once as the bits of one number.

Numba has no name for these, so they are written as LLVM's own, which every processor has in some
form. Addresses are numbers (``array.ctypes.data``): the caller keeps what lies there alive, and 64
readable bytes behind the last one that is looked at. Bit ``n`` of a mask tells of the byte at
``address + n``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ft_runtime.doctor.kernels.jit import intrinsic

_LANES = 64


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _load(bits: int) -> Any:
    """Make a function of an address that returns the number of that many bits there."""

    def load(typing: Any, address: Any) -> Any:
        from llvmlite import ir
        from numba import types

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found = builder.load(_pointer(builder, arguments[0], ir.IntType(bits)))
            found.align = 1
            return builder.zext(found, ir.IntType(64)) if bits < 64 else found

        return types.uint64(types.uint64), emit

    return intrinsic(load)


def _store(bits: int) -> Any:
    """Make a function of an address and a number that writes the number's lowest bits there."""

    def store(typing: Any, address: Any, number: Any) -> Any:
        from llvmlite import ir
        from numba import types

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = arguments[1]
            if bits < 64:
                number = builder.trunc(number, ir.IntType(bits))
            done = builder.store(number, _pointer(builder, arguments[0], ir.IntType(bits)))
            done.align = 1
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64), emit

    return intrinsic(store)


def _compare(operator: str) -> Any:
    """Make a function of an address and a byte that returns where the comparison holds."""

    def compare(typing: Any, address: Any, byte: Any) -> Any:
        from llvmlite import ir
        from numba import types

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            wide = ir.VectorType(ir.IntType(8), _LANES)
            data = builder.load(_pointer(builder, arguments[0], wide))
            data.align = 1
            one = builder.insert_element(
                ir.Constant(wide, ir.Undefined), arguments[1], ir.IntType(32)(0)
            )
            order = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)
            same = builder.shuffle_vector(one, ir.Constant(wide, ir.Undefined), order)
            return builder.bitcast(builder.icmp_unsigned(operator, data, same), ir.IntType(64))

        return types.uint64(types.uint64, types.uint8), emit

    return intrinsic(compare)


def _bits(name: str) -> Any:
    """Make a function of a number from an instruction that counts its bits."""

    def count(typing: Any, number: Any) -> Any:
        from llvmlite import ir
        from numba import types

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            if name == "ctpop":
                return builder.ctpop(arguments[0])
            return builder.cttz(arguments[0], ir.IntType(1)(0))

        return types.uint64(types.uint64), emit

    return intrinsic(count)


load1: Callable[[Any], Any] = _load(8)
load2: Callable[[Any], Any] = _load(16)
load4: Callable[[Any], Any] = _load(32)
load8: Callable[[Any], Any] = _load(64)
store1: Callable[[Any, Any], None] = _store(8)
store8: Callable[[Any, Any], None] = _store(64)
equal: Callable[[Any, Any], Any] = _compare("==")
below: Callable[[Any, Any], Any] = _compare("<")
at_least: Callable[[Any, Any], Any] = _compare(">=")
ones: Callable[[Any], Any] = _bits("ctpop")
lowest: Callable[[Any], Any] = _bits("cttz")
