"""What the way to the first step of LoRA training does not load, and that nothing is lost by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from ft_runtime import imports

NOT_LOADED = (
    "bitsandbytes", "IPython", "evaluate", "jax", "lark", "matplotlib", "networkx", "nltk",
    "rfc3987_syntax", "rouge_score", "scipy", "sklearn", "tensorboard", "tensorflow", "torchao",
    "torchvision", "trl", "wandb", "ft_runtime.smoke",
    "mpmath", "rfc3986_validator", "sympy", "torch._dynamo", "torch._inductor",
    "torch.distributed.checkpoint", "torch.distributed.fsdp",
    "torch.fx.experimental.symbolic_shapes", "torch.onnx", "torch.utils.tensorboard",
)  # fmt: skip

SCRIPT = """
import json, sys
import ft_runtime as ft
from ft_runtime.cli import main
from ft_runtime.standins import StandIn

loaded = []
def first_step(trainer, run):
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, *args, **keywords):
            loaded.extend(
                name for name, module in sys.modules.items() if not isinstance(module, StandIn)
            )
            raise KeyboardInterrupt

    trainer.add_callback(Stop())
    return train(trainer, run)

train = ft.train
ft.train = first_step
assert main(["run", sys.argv[1]]) != 0
from peft import import_utils
from peft.tuners.lora import model
from scipy.optimize import linear_sum_assignment
from transformers.loss import loss_for_object_detection as detection

print(json.dumps({
    "loaded": loaded,
    "bitsandbytes": [
        import_utils.is_bnb_available(), model.is_bnb_available is import_utils.is_bnb_available
    ],
    "assigned": [list(map(int, found)) for found in detection.linear_sum_assignment([[2, 1], [1, 9]])],
}))
"""


def test_the_first_step_of_lora_loads_what_it_needs(tiny_causal_dir, tmp_path):
    rows = [
        {"prompt": f"Say {number}:", "completion": f" {number} and then {number + 1}"}
        for number in range(20)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "provider": "hf_local",
        "model_id": str(tiny_causal_dir),
        "tune_type": "lora",
        "dataset": {"path": str(tmp_path / "rows.jsonl"), "format": "jsonl_prompt"},
        "hyperparams": {"max_seq_len": 64, "batch_size_train": 2},
        "logs": "none",
        "artifacts": {"output_dir": str(tmp_path / "run")},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "config.json")],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "transformers.trainer" in found["loaded"]
    assert sorted(set(NOT_LOADED) & set(found["loaded"])) == []
    assert found["bitsandbytes"] == [True, True]
    assert found["assigned"] == [[0, 1], [1, 0]]


STRUCTURE = """
from ft_runtime import imports

known = imports.import_transformers()
import transformers.models as models
from transformers.utils import import_utils as utils

assert utils.create_import_structure_from_path.cache_info().hits > 500
names = utils.fetch__all__.__closure__
plain = next(cell.cell_contents for cell in names if hasattr(cell.cell_contents, "__code__"))
utils.fetch__all__, utils.create_import_structure_from_path = (
    plain, utils.create_import_structure_from_path.__wrapped__
)
fresh = utils.define_import_structure.__wrapped__(models.__file__)
found = {name for modules in fresh.values() for names in modules.values() for name in names}
assert found and found <= set(dir(models)), found - set(dir(models))
assert found <= set(dir(known))
"""


def test_transformers_knows_all_its_models_after_looking_once():
    subprocess.run([sys.executable, "-c", STRUCTURE], check=True)


BESIDE = """
import sys
from ft_runtime import imports

if sys.argv[1] == "beside":
    imports.begin_torch()
import torch

values = torch.linspace(0, 1, 64 * 64).reshape(64, 64)
print(torch.get_num_threads(), torch.__config__.parallel_info(), (values @ values).sum().item())
"""


def test_torch_is_the_same_when_its_library_is_loaded_beside():
    said = {
        how: subprocess.run(
            [sys.executable, "-c", BESIDE, how], capture_output=True, text=True, check=True
        ).stdout
        for how in ("beside", "alone")
    }
    assert said["beside"] == said["alone"]
    assert said["alone"].strip()


def test_a_library_that_is_not_there_is_left_to_torch_to_tell(tmp_path):
    imports._load_libraries(tmp_path)
