"""Which device, which precision, on machines that these tests do not have."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
import torch

from ft_runtime.devices import Device, detect_device
from ft_runtime.findings import Finding, FindingsError, subscribed
from ft_runtime.seeding import seed_everything
from ft_runtime.versions import environment
from support.settings import make_config

Fake = Callable[..., None]


@pytest.fixture
def told() -> Iterator[list[Finding]]:
    found: list[Finding] = []
    with subscribed(found.append):
        yield found


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Pretend that there is a CUDA GPU."""

    def fake(name: str, capability: tuple[int, int], hip: str | None = None) -> None:
        monkeypatch.setattr(torch.version, "cuda", "12.8")
        monkeypatch.setattr(torch.version, "hip", hip)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index=0: name)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index=0: capability)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *args, **kwargs: True)

    return fake


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


def detect(device: str = "auto", precision: str = "auto") -> Device:
    return detect_device(make_config("m", hw={"device": device, "mixed_precision": precision}))


def codes(told: list[Finding]) -> list[tuple[str, str]]:
    return [(item.code, item.severity) for item in told]


def cpu(monkeypatch: pytest.MonkeyPatch, vectors: bool, tiles: bool) -> None:
    """Pretend that the CPU has these instructions."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: vectors, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles, raising=False)


@pytest.mark.parametrize(
    ("asked", "vectors", "tiles"),
    [("auto", False, False), ("none", True, True)],
)
def test_a_cpu_computes_in_float32(
    asked: str, vectors: bool, tiles: bool, told: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu(monkeypatch, vectors, tiles)
    device = detect(precision=asked)
    assert (device.type, device.precision, device.dtype) == ("cpu", "none", torch.float32)
    assert told == []


@pytest.mark.parametrize(("vectors", "tiles"), [(True, False), (False, True)])
def test_a_cpu_that_has_bf16_uses_it(
    vectors: bool, tiles: bool, told: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu(monkeypatch, vectors, tiles)
    device = detect("cpu")
    assert (device.precision, device.dtype) == ("bf16", torch.bfloat16)
    assert "bf16" in repr(device)
    assert told == []


def test_a_cpu_keeps_few_compiled_products_in_bf16(
    told: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch and oneDNN would keep 1,024 each, of shapes that never come again."""
    names = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    for name in names:
        monkeypatch.setenv(name, "7")
        monkeypatch.delenv(name)
    detect("cpu", "none")
    assert not {*names} & {*os.environ}
    monkeypatch.setenv(names[0], "7")
    detect("cpu", "bf16")
    assert [os.environ[name] for name in names] == ["7", "128"]


def test_a_cpu_can_do_bf16(told: list[Finding]) -> None:
    device = detect("cpu", "bf16")
    assert (device.precision, device.dtype) == ("bf16", torch.bfloat16)
    assert told == []


def test_a_cpu_cannot_do_fp16_and_says_so(told: list[Finding]) -> None:
    device = detect("auto", "fp16")
    assert device.precision == "none"
    assert codes(told) == [("devices.no_fp16", "warning")]
    assert device.findings == tuple(told)


@pytest.mark.parametrize(
    ("name", "capability", "asked", "precision", "said"),
    [
        ("Tesla T4", (7, 5), "auto", "fp16", [("devices.fp16_instead", "info")]),
        ("Tesla T4", (7, 5), "bf16", "fp16", [("devices.no_bf16", "warning")]),
        ("Tesla T4", (7, 5), "fp16", "fp16", []),
        ("Tesla T4", (7, 5), "none", "none", []),
        ("NVIDIA A100", (8, 0), "auto", "bf16", []),
        ("NVIDIA A100", (8, 0), "fp16", "fp16", []),
        ("NVIDIA H100", (9, 0), "auto", "bf16", []),
        ("NVIDIA GB10", (12, 1), "bf16", "bf16", []),
    ],
)
def test_precision_follows_the_gpu(
    name: str,
    capability: tuple[int, int],
    asked: str,
    precision: str,
    said: list[tuple[str, str]],
    gpu: Fake,
    told: list[Finding],
) -> None:
    gpu(name, capability)
    device = detect("auto", asked)
    assert (device.type, device.name, device.precision) == ("cuda", name, precision)
    assert codes(told) == said
    assert name in repr(device)
    if said:
        assert "7.5" in told[0].message


def test_on_rocm_torch_is_asked(gpu: Fake) -> None:
    gpu("AMD Instinct MI210", (6, 0), hip="6.4")
    assert detect().precision == "bf16"


def test_a_gpu_that_is_asked_for_must_be_there() -> None:
    with pytest.raises(FindingsError) as error:
        detect("cuda")
    (problem,) = error.value.findings
    assert (problem.code, problem.where) == ("devices.no_cuda", "hw.device")
    with pytest.raises(FindingsError, match="no_mps"):
        detect("mps")


def test_a_gpu_that_does_not_answer(
    gpu: Fake, monkeypatch: pytest.MonkeyPatch, told: list[Finding]
) -> None:
    def broken(index: int = 0) -> str:
        raise RuntimeError("CUDA error: unknown error\nand more lines")

    gpu("", (0, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", broken)
    assert detect("auto").type == "cpu"
    assert codes(told) == [("devices.broken_cuda", "warning")]
    with pytest.raises(FindingsError, match="unknown error"):
        detect("cuda")


@pytest.mark.usefixtures("apple")
def test_an_apple_gpu(told: list[Finding]) -> None:
    device = detect()
    assert (device.type, device.precision) == ("mps", "none")
    assert detect("mps", "bf16").precision == "bf16"
    assert detect("cpu").type == "cpu"
    assert told == []


def test_one_seed_for_every_generator(told: list[Finding]) -> None:
    import random

    import numpy as np

    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    assert seed_everything(7) == 7
    first = draw()
    draw()
    seed_everything(7)
    assert draw() == first
    assert seed_everything(2**32 - 1) == 2**32 - 1
    assert told == []


def test_on_a_gpu_the_last_digits_are_not_promised(gpu: Fake, told: list[Finding]) -> None:
    gpu("Tesla T4", (7, 5))
    seed_everything(1)
    assert codes(told) == [("devices.not_exact", "info")]


def test_the_environment_tells_what_a_bug_report_needs() -> None:
    import json
    import platform

    here = environment()
    assert here.python.startswith(platform.python_version())
    assert here.packages["torch"] == torch.__version__
    assert here.cores >= 1
    assert here.memory is not None
    assert here.memory > 1 << 28
    assert json.loads(json.dumps(here.to_dict()))["packages"] == here.packages
    assert torch.__version__ in repr(here)
    assert here._repr_html_().count("<tr>") == len(repr(here).splitlines())


def test_the_environment_lists_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    card = SimpleNamespace(name="<Tesla> T4", total_memory=15 << 30, major=7, minor=5)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    here = environment()
    assert here.gpus == ({"name": "<Tesla> T4", "memory": 15 << 30, "capability": "7.5"},)
    assert "15.0 GiB" in repr(here)
    assert "&lt;Tesla&gt;" in here._repr_html_()
