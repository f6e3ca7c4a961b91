"""Memory of real trainings, in processes of their own, beside what is predicted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ft_runtime.samples import write_sample
from jupyter_ft.services.estimate.device import bf16_units
from jupyter_ft.services.estimate.memory import _CPU_OVERHEAD as FIXED
from jupyter_ft.services.estimate.memory import memory
from jupyter_ft.services.estimate.setting import setting
from jupyter_ft.services.estimate.shape import shape_of
from support.estimates import GROUPED, make_config

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(1800)

STEPS = r"""
import json, os, re, sys
from pathlib import Path
sys.path.insert(0, str(Path("tests/support").resolve()))
import transformers
import toy_training as toy
from ft_runtime.config import load_config
from ft_runtime.devices import detect_device
from ft_runtime.models.adapters import add_adapter
from ft_runtime.runs import start_run
from ft_runtime.training import build_trainer, train, training_arguments

def memory(name):
    # Of this process alone: ru_maxrss starts with the peak of the process that has started it.
    return int(re.search(name + r":\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10

def grown(request, rows, longest, vocabulary):
    "Train two optimizer steps, as a notebook would: how far the process has grown, and to what."
    config = load_config(request["config"])
    device = detect_device(config)
    run = start_run(config, device)
    toy.VOCABULARY = vocabulary
    data = toy.toy_data(0, 0)
    table = toy.Table(classes=False)
    for number in range(rows):
        ids = toy.torch.randint(3, vocabulary, (longest,)).tolist()
        table.add(number, ids, ids)
    data.train = table.dataset()
    before = memory("VmRSS")
    about = transformers.AutoConfig.for_model("llama", **request["model"])
    model = transformers.AutoModelForCausalLM.from_config(about)
    if config.tune_type != "full":
        model = add_adapter(model.to(device.dtype), config)
    args = training_arguments(config, device, run, progress=False)
    train(build_trainer(config, model, args, toy.ToyTokenizer(), data, run), run)
    return memory("VmHWM") - before, memory("VmHWM")

requests = json.load(sys.stdin)
transformers.Trainer, transformers.LlamaForCausalLM
toy.torch.set_num_threads(1)
small = json.loads(json.dumps(requests[0]))
small["model"].update(num_hidden_layers=1, hidden_size=64, intermediate_size=64, vocab_size=64)
folder = small["config"]["artifacts"]["output_dir"]

def warm(name):
    small["config"]["artifacts"]["output_dir"] = f"{folder}-{name}"
    grown(small, 32, 8, 64)

warm("parent")  # imports and workspaces, which are overhead
for number, request in enumerate(requests):
    hyper = request["config"]["hyperparams"]
    rows = 2 * hyper["batch_size_train"] * hyper["gradient_accumulation"]
    child = os.fork()
    if not child:
        # A system that pages out what has long been idle takes the libraries' code from the parent
        # while it waits: what comes back is no growth.
        warm(number)
        sizes = hyper["max_seq_len"], request["model"]["vocab_size"]
        print("grown", *grown(request, rows, *sizes), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


AGAIN = {"gradient_checkpointing": "on"}
# Where a CPU has no bf16 nobody takes it: a step takes minutes.
HALF = "bf16" if bf16_units() else "none"
RUNS = [("full", "none", {}), ("lora", HALF, {}), ("lora", "none", AGAIN)]


def test_a_real_training_takes_what_is_predicted(monkeypatch, tmp_path):
    """Growth of the process's peak in two steps with AdamW, within a quarter of all but overhead.

    The C library keeps freed blocks for later, which is no need of the model's: it is told not to.
    """
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    for case, (growth, _), predicted in take(tmp_path):
        assert predicted - FIXED == pytest.approx(growth, rel=1 / 4), case


def test_with_the_usual_allocator_a_process_takes_no_more(monkeypatch, tmp_path):
    """The C library as it comes keeps what was freed: the estimate is an upper bound, and near.

    Of the whole process: the libraries are overhead.
    """
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    for case, (_, peak), predicted in take(tmp_path):
        assert peak < predicted < 1.5 * peak, case


def take(folder):
    """Return growth and peak of a process in two steps, and the estimate, for each of `RUNS`.

    All of them are forked from one process: the libraries are imported once. A step has two
    micro-batches, so that gradients are there while the second one is computed.
    """
    sizes = {
        **GROUPED,
        "vocab_size": 8000,
        "hidden_size": 512,
        "intermediate_size": 1408,
        "num_hidden_layers": 6,
    }
    shape = shape_of({"model_type": "llama", **sizes})
    configs = []
    for place, (tune_type, precision, hyperparams) in enumerate(RUNS):
        more = {
            "batch_size_train": 4,
            "gradient_accumulation": 2,
            "tokens_per_batch": 1024,
            "max_seq_len": 256,
            "num_epochs": 1,
            "make_it_fit": "off",
            **hyperparams,
        }
        artifacts = {"output_dir": str(folder / str(place)), "save_strategy": "no"}
        configs.append(
            make_config(tune_type, precision, hyperparams=more, artifacts=artifacts, logs="none")
        )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS],
        input=json.dumps([{"config": config.to_dict(), "model": sizes} for config in configs]),
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("grown ")]
    measured = [(int(growth), int(peak)) for growth, peak in lines]
    predicted = [
        memory(shape, config, setting(config, "cpu", None, units=bf16_units())).total
        for config in configs
    ]
    return list(zip(RUNS, measured, predicted, strict=True))


WHOLE = r"""
import json, re, sys
from pathlib import Path
from ft_runtime import pipeline
from ft_runtime.config import load_config

pipeline.run(load_config(json.load(sys.stdin)), progress=False, tell=lambda _: None)
print("peak", int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10)
"""


def test_a_whole_run_takes_what_is_predicted(tmp_path, tiny_causal_dir, monkeypatch):
    """Of a small model nearly all is overhead, and stays so: no step has the shape of another."""
    write_sample("jsonl_prompt", tmp_path / "data.jsonl", n=400)
    more = {
        "provider": "hf_local", "model_id": str(tiny_causal_dir), "logs": "none",
        "dataset": {"path": str(tmp_path / "data.jsonl"), "format": "jsonl_prompt"},
        "eval": {"metrics": ["perplexity"]},
        "hyperparams": {"batch_size_train": 4, "max_seq_len": 256, "num_epochs": 2},
        "artifacts": {"output_dir": str(tmp_path / "run")},
    }  # fmt: skip
    config = make_config("lora", "auto", **more)
    for name in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        monkeypatch.delenv(name, raising=False)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WHOLE],
        input=json.dumps(config.to_dict()), capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    peak = int(done.stdout.split("peak ")[1])
    shape = shape_of(json.loads((tiny_causal_dir / "config.json").read_text()))
    predicted = memory(shape, config, setting(config, "cpu", None, units=bf16_units())).total
    # A kernel takes some 50 MB more than a plain process; products compiled for bf16 take 130 MB.
    assert 0.95 * peak < predicted < (1.4 if bf16_units() else 1.8) * peak
