"""Which device computes, and in which number type."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ft_runtime.findings import Finding, FindingsError, finding, notify, text

if TYPE_CHECKING:
    import torch

    from ft_runtime.config import Config

__all__ = ["Device", "detect_device"]

DeviceType = Literal["cpu", "cuda", "mps"]
Precision = Literal["none", "fp16", "bf16"]
BF16_CAPABILITY = (8, 0)
"""CUDA GPUs compute bf16 in hardware from this compute capability (Ampere) on."""
KERNELS = 128
"""Compiled products of matrices in bf16 that a CPU keeps."""


@dataclass(frozen=True)
class Device:
    """What a run computes on.

    Attributes
    ----------
    type : {"cpu", "cuda", "mps"}
    name : str
        For people: ``Tesla T4``, ``CPU``.
    precision : {"none", "fp16", "bf16"}
        Number type of the matrix products in training (autocast); ``none`` is plain float32.
    reason : str
        Why this device and this precision.
    findings : tuple of Finding
        What was shown when the device was chosen, for whoever records it later.
    """

    type: DeviceType
    name: str
    precision: Precision
    reason: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def dtype(self) -> torch.dtype:
        """Number type for weights that are not trained; trained weights stay float32."""
        import torch

        types = {"none": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
        return types[self.precision]

    def __repr__(self) -> str:
        return text("devices.repr", name=self.name, type=self.type, precision=self.precision) + (
            f"\n{self.reason}" if self.reason else ""
        )


def detect_device(config: Config) -> Device:
    """Choose the device and the precision that the config asks for and the machine has.

    Parameters
    ----------
    config : Config
        ``hw.device``: auto takes a CUDA GPU, else Apple's, else the CPU. ``hw.mixed_precision``:
        auto takes bf16 where a CUDA GPU or the CPU has it in hardware, fp16 on older GPUs, and none
        elsewhere.

    Returns
    -------
    Device

    Raises
    ------
    FindingsError
        When the device that was asked for by name is not there.

    Notes
    -----
    A precision that the device lacks is replaced by one that it has, with a warning: a GPU before
    Ampere (a T4: 7.5) has no bf16 in hardware and gets fp16; a CPU has no fp16 and gets float32.
    """
    kind, name, found = _choose(config.hw.device)
    precision, reason, doubts = _precision(kind, name, config.hw.mixed_precision)
    findings = (*found, *doubts)
    notify(*findings)
    if kind == "cpu" and precision == "bf16":
        _bound_kernels()
    return Device(kind, name, precision, reason, findings)


def _choose(asked: str) -> tuple[DeviceType, str, list[Finding]]:
    """Return device, name and doubts; a device asked for by name must be there."""
    found: list[Finding] = []
    if asked in ("auto", "cuda"):
        name, problem = _cuda_name()
        if name:
            return "cuda", name, found
        if asked == "cuda":
            raise FindingsError([finding("devices.no_cuda", where="hw.device", got=problem)])
        if problem and _cuda_there():
            found.append(finding("devices.broken_cuda", where="hw.device", got=problem))
    if asked in ("auto", "mps"):
        if _mps_there():
            return "mps", text("devices.mps"), found
        if asked == "mps":
            raise FindingsError([finding("devices.no_mps", where="hw.device")])
    return "cpu", text("devices.cpu"), found


def _cuda_there() -> bool:
    import torch

    return torch.cuda.is_available()


def _mps_there() -> bool:
    import torch

    return torch.backends.mps.is_available()


def _cuda_name() -> tuple[str, str]:
    """Return the name of the first GPU and why there is none; one of the two is empty."""
    import torch

    if not torch.cuda.is_available():
        return "", text("devices.cuda_build" if torch.version.cuda is None else "devices.no_gpu")
    try:
        return str(torch.cuda.get_device_name(0)), ""
    except (RuntimeError, AssertionError) as error:  # a driver too old, a GPU fallen off the bus
        return "", str(error).splitlines()[0]


def _precision(kind: DeviceType, name: str, asked: str) -> tuple[Precision, str, list[Finding]]:
    """Return the precision to use, the reason, and what must be said about it."""
    if kind == "cuda":
        return _cuda_precision(name, asked)
    if kind == "cpu" and asked == "auto" and cpu_has_bf16():
        return "bf16", text("devices.cpu_bf16", name=name), []
    if asked == "none" or asked == "auto":
        return "none", text("devices.float32", name=name), []
    if kind == "cpu" and asked == "fp16":
        doubt = finding("devices.no_fp16", where="hw.mixed_precision", name=name)
        return "none", text("devices.float32", name=name), [doubt]
    chosen: Precision = "bf16" if asked == "bf16" else "fp16"
    return chosen, text("devices.asked", precision=chosen), []


def _cuda_precision(name: str, asked: str) -> tuple[Precision, str, list[Finding]]:
    if asked == "none":
        return "none", text("devices.asked", precision="none"), []
    if asked == "fp16":
        return "fp16", text("devices.asked", precision="fp16"), []
    capability, has_bf16 = _cuda_bf16()
    if has_bf16:
        return "bf16", text("devices.has_bf16", name=name, capability=capability), []
    code = "devices.no_bf16" if asked == "bf16" else "devices.fp16_instead"
    doubt = finding(code, where="hw.mixed_precision", name=name, capability=capability)
    return "fp16", text("devices.old_gpu", name=name, capability=capability), [doubt]


def _bound_kernels() -> None:
    """Keep fewer compiled matrix products, unless the user has said how many.

    oneDNN compiles one for each shape, and torch and oneDNN keep 1,024 each. Micro-batches cut by
    tokens seldom have a shape again: nearly all are kept for nothing, several hundred MB after a
    hundred steps. The layers of a model share theirs, so these are enough for one pass. Both read
    the number once, before the first product.
    """
    for name in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(KERNELS))


def cpu_has_bf16() -> bool:
    """Return True for a CPU that multiplies bf16 in hardware: AVX-512 BF16, or tiles (AMX).

    Without these torch computes in bf16 as well, and slower than in float32.
    """
    import torch

    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    asked = [getattr(torch.cpu, name, None) for name in names]
    return any(bool(ask()) for ask in asked if ask is not None)


def has_tf32(device: Device) -> bool:
    """Return True for a CUDA GPU that multiplies float32 in the faster TF32 (Ampere or newer)."""
    import torch

    if device.type != "cuda" or torch.version.hip is not None:
        return False
    return tuple(torch.cuda.get_device_capability(0)) >= BF16_CAPABILITY


def _cuda_bf16() -> tuple[str, bool]:
    """Return the compute capability of the first GPU and whether it computes bf16 in hardware."""
    import torch

    capability = tuple(torch.cuda.get_device_capability(0))
    # AMD's numbers mean something else; there, torch itself is asked.
    if torch.version.hip is not None:
        return "ROCm", bool(torch.cuda.is_bf16_supported())
    return ".".join(map(str, capability)), capability >= BF16_CAPABILITY
