"""The installed libraries as they are, and a torchao that peft refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ft_runtime.compat import http_errors, training_arguments_kwargs


def test_the_installed_training_arguments_take_the_old_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import TrainingArguments

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")
    kwargs = training_arguments_kwargs(
        {
            "output_dir": str(tmp_path),
            "warmup_ratio": 0.1,
            "gradient_checkpointing": True,
            "logging_dir": str(tmp_path / "logs"),
            "group_by_length": True,
            "evaluation_strategy": "no",
            "overwrite_output_dir": True,
            "report_to": [],
            "use_cpu": True,
        }
    )
    arguments = TrainingArguments(**kwargs)  # deprecation warnings are errors here
    assert arguments.get_warmup_steps(200) == 20
    assert arguments.gradient_checkpointing
    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "logs")


def test_errors_of_the_hub_client_are_known() -> None:
    from huggingface_hub.errors import HfHubHTTPError

    assert issubclass(HfHubHTTPError, http_errors())
    assert issubclass(ConnectionRefusedError, http_errors())


@pytest.fixture
def old_torchao(tmp_path: Path) -> dict[str, str]:
    """An environment in which torchao 0.10.0 is installed, as in Colab."""
    (tmp_path / "torchao").mkdir()
    (tmp_path / "torchao/__init__.py").write_text('__version__ = "0.10.0"\n')
    metadata = tmp_path / "torchao-0.10.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torchao\nVersion: 0.10.0\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


LOAD = """
import importlib.metadata, sys
EARLY
from ft_runtime.config import load_config
from ft_runtime.devices import Device
from ft_runtime.models import load_model, load_tokenizer
config = load_config({"provider": "hf_local", "model_id": sys.argv[1], "tune_type": "lora",
    "dataset": {"source": "upload_local_path", "path": "a.jsonl", "format": "jsonl_chat"}})
model = load_model(config, Device("cpu", "CPU", "none"), load_tokenizer(config))
assert any("lora_A" in name for name, _ in model.named_parameters())
assert importlib.metadata.version("torchao") == "0.10.0"
import torchao
"""

REFUSED = """
import sys
from transformers import AutoModelForCausalLM
from peft import LoraConfig, get_peft_model
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
try:
    get_peft_model(model, LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM"))
except ImportError as error:
    assert "torchao" in str(error)
else:
    sys.exit("peft accepts it: the trap is gone, and so may our way around it")
"""


@pytest.mark.parametrize(
    "script",
    [
        REFUSED,
        LOAD.replace("EARLY", ""),
        # Somebody imported peft, and even let it fail, before us.
        LOAD.replace("EARLY", REFUSED),
    ],
    ids=["trap", "first", "later"],
)
def test_a_torchao_that_peft_refuses_is_hidden_from_peft_alone(
    script: str, old_torchao: dict[str, str], tiny_causal_dir: Path
) -> None:
    command = [sys.executable, "-c", script, str(tiny_causal_dir)]
    done = subprocess.run(command, env=old_torchao, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
