"""XXH3 of 64 bits, without seed, as the specification of xxHash has it: the digest of a text."""

from __future__ import annotations

from typing import Any

from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import (
    constant,
    fold,
    instruction,
    load1,
    load4,
    load8,
    plus,
    read,
    shift,
    signed,
    times,
    turned,
)

# The specification's secret and primes.
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


_32_1, _32_2, _32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_64_1, _64_2 = signed(0x9E3779B185EBCA87), signed(0xC2B2AE3D27D4EB4F)
_64_3, _64_4 = signed(0x165667B19E3779F9), signed(0x85EBCA77C2B2AE63)
_64_5 = signed(0x27D4EB2F165667C5)
_MIX_1, _MIX_2 = signed(0x165667919E3779F9), signed(0x9FB21C651E98DF25)
_START = (_32_3, _64_1, _64_2, _64_3, _64_4, _32_2, _64_5, _32_1)
_STRIPE, _BLOCK = 64, 1024

_secret = constant(_SECRET)


def _long(builder: Any, arguments: list[Any]) -> Any:
    """Emit the digest of more than 240 bytes: address, size, the secret's address."""
    from llvmlite import ir
    from numba.core import cgutils

    address, size, secret = arguments
    word, wide = ir.IntType(64), ir.VectorType(ir.IntType(64), 8)
    turn = ir.Constant(ir.VectorType(ir.IntType(32), 8), [1, 0, 3, 2, 5, 4, 7, 6])
    sums = cgutils.alloca_once(builder, wide)
    builder.store(ir.Constant(wide, list(_START)), sums)

    def splat(number: int) -> Any:
        return ir.Constant(wide, [number] * 8)

    def add(data_at: Any, secret_at: Any) -> None:
        data = read(builder, data_at, wide)
        keyed = builder.xor(data, read(builder, secret_at, wide))
        product = builder.mul(
            builder.and_(keyed, splat(0xFFFFFFFF)), builder.lshr(keyed, splat(32))
        )
        other = builder.shuffle_vector(data, data, turn)
        builder.store(builder.add(builder.load(sums), builder.add(other, product)), sums)

    def stripes(begin: Any, count: Any) -> None:
        with cgutils.for_range(builder, count) as loop:
            at = builder.add(begin, builder.mul(loop.index, word(_STRIPE)))
            add(at, builder.add(secret, builder.mul(loop.index, word(8))))

    before = builder.sub(size, word(1))
    blocks = builder.udiv(before, word(_BLOCK))
    with cgutils.for_range(builder, blocks) as loop:
        stripes(
            builder.add(address, builder.mul(loop.index, word(_BLOCK))), word(_BLOCK // _STRIPE)
        )
        total = builder.load(sums)
        total = builder.xor(total, builder.lshr(total, splat(47)))
        total = builder.xor(total, read(builder, builder.add(secret, word(128)), wide))
        builder.store(builder.mul(total, splat(_32_1)), sums)
    done = builder.mul(blocks, word(_BLOCK))
    rest = builder.udiv(builder.sub(before, done), word(_STRIPE))
    stripes(builder.add(address, done), rest)
    final = builder.sub(builder.add(address, size), word(_STRIPE))
    add(final, builder.add(secret, word(121)))

    total = builder.load(sums)
    keyed = builder.xor(total, read(builder, builder.add(secret, word(11)), wide))
    result = builder.mul(size, word(_64_1))
    double = ir.IntType(128)
    for place in range(0, 8, 2):
        pair = [
            builder.zext(builder.extract_element(keyed, ir.IntType(32)(place + i)), double)
            for i in (0, 1)
        ]
        product = builder.mul(*pair)
        high = builder.trunc(builder.lshr(product, double(64)), word)
        result = builder.add(result, builder.xor(builder.trunc(product, word), high))
    return result


_long_sum = instruction(3, _long)


@inline
def _finish(mixed: int) -> int:
    mixed = times(mixed ^ shift(mixed, 37), _MIX_1)
    return mixed ^ shift(mixed, 32)


@inline
def _finish_short(mixed: int) -> int:
    mixed = times(mixed ^ shift(mixed, 33), _64_2)
    mixed = times(mixed ^ shift(mixed, 29), _64_3)
    return mixed ^ shift(mixed, 32)


@inline
def _mix(at: int, secret: int) -> int:
    return fold(load8(at) ^ load8(secret), load8(at + 8) ^ load8(secret + 8))


@inline
def _both(at: int, end: int, secret: int) -> int:
    """Mix 16 bytes from each end."""
    return plus(_mix(at, secret), _mix(end - 16, secret + 16))


@inline
def _up_to_16(at: int, size: int, secret: int) -> int:
    if size > 8:
        low = load8(at) ^ load8(secret + 24) ^ load8(secret + 32)
        high = load8(at + size - 8) ^ load8(secret + 40) ^ load8(secret + 48)
        return _finish(plus(plus(size, turned(low)), plus(high, fold(low, high))))
    if size >= 4:
        mixed = load4(at + size - 4) | (load4(at) << 32)
        mixed ^= load8(secret + 8) ^ load8(secret + 16)
        left, right = (mixed << 49) | shift(mixed, 15), (mixed << 24) | shift(mixed, 40)
        mixed = times(mixed ^ left ^ right, _MIX_2)
        mixed = times(mixed ^ plus(shift(mixed, 35), size), _MIX_2)
        return mixed ^ shift(mixed, 28)
    if size > 0:
        first, middle, last = load1(at), load1(at + (size >> 1)), load1(at + size - 1)
        mixed = (first << 16) | (middle << 24) | last | (size << 8)
        return _finish_short(mixed ^ load4(secret) ^ load4(secret + 4))
    return _finish_short(load8(secret + 56) ^ load8(secret + 64))


@inline
def _up_to_128(at: int, size: int, secret: int) -> int:
    end = at + size
    total = plus(times(size, _64_1), _both(at, end, secret))
    if size > 32:
        total = plus(total, _both(at + 16, end - 16, secret + 32))
    if size > 64:
        total = plus(total, _both(at + 32, end - 32, secret + 64))
    if size > 96:
        total = plus(total, _both(at + 48, end - 48, secret + 96))
    return _finish(total)


@inline
def _four(at: int, secret: int) -> int:
    """Mix four times 16 bytes."""
    first = plus(_mix(at, secret), _mix(at + 16, secret + 16))
    return plus(first, plus(_mix(at + 32, secret + 32), _mix(at + 48, secret + 48)))


@inline
def _up_to_240(at: int, size: int, secret: int) -> int:
    total = plus(times(size, _64_1), plus(_four(at, secret), _four(at + 64, secret + 64)))
    total = plus(_finish(total), _mix(at + size - 16, secret + 119))
    # No loop: LLVM would make vectors of it, which takes three times as long.
    if size >= 144:
        total = plus(total, _mix(at + 128, secret + 3))
    if size >= 160:
        total = plus(total, _mix(at + 144, secret + 19))
    if size >= 176:
        total = plus(total, _mix(at + 160, secret + 35))
    if size >= 192:
        total = plus(total, _mix(at + 176, secret + 51))
    if size >= 208:
        total = plus(total, _mix(at + 192, secret + 67))
    if size >= 224:
        total = plus(total, _mix(at + 208, secret + 83))
    if size >= 240:
        total = plus(total, _mix(at + 224, secret + 99))
    return _finish(total)


@inline
def digest(at: int, size: int) -> int:
    """Return the digest of `size` bytes at an address."""
    secret = _secret(0)
    if size <= 16:
        return _up_to_16(at, size, secret)
    if size <= 128:
        return _up_to_128(at, size, secret)
    if size <= 240:
        return _up_to_240(at, size, secret)
    return _finish(_long_sum(at, size, secret))
