"""Training without the compiler in memory; and with all its rights as soon as somebody compiles."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COMPILES = """
import sys
from ft_runtime.lean import lean

with lean():
    import torch

    @torch.compiler.disable
    def apart(x):
        return x + 1 if not torch.compiler.is_compiling() else x * 0

    @torch.compiler.disable(recursive=False)
    def beside(x):
        return apart(x)

    @torch._dynamo.assume_constant_result
    def constant():
        return 3

    @torch._dynamo.allow_in_graph
    def whole(x):
        return x

    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    kept = optimizer.state_dict()
    assert not isinstance(layer, torch._dynamo.eval_frame.OptimizedModule)
    with torch.device("meta"):
        planned = torch.nn.Embedding(4, 2).weight
        angles = 1.0 / (10.0 ** (torch.arange(0, 4, 2, dtype=torch.float) / 4))
    assert planned.shape == (4, 2) and angles.shape == (2,)
    import transformers.distributed.fsdp
    import transformers.masking_utils as masks

    assert float(apart(torch.zeros(()))) == 1 == float(beside(torch.zeros(())))
heavy = ("torch._dynamo", "torch.distributed.fsdp", "torch.fx.experimental.symbolic_shapes", "sympy")
assert not set(heavy) & set(sys.modules)
assert not any(hasattr(holder, "_dynamo") for holder in [vars(torch)])
"""

AFTERWARDS = {
    "the compiler leaves alone what it was told to leave alone": """
graphs = []
def backend(module, inputs):
    graphs.append(module)
    return module.forward

def f(x):
    return apart(x * 2) * whole(constant() * x)
compiled = torch.compile(f, backend=backend)
assert float(compiled(torch.tensor(2.0))) == 30.0
assert len(graphs) == 2, graphs
assert constant._dynamo_marked_constant
from torch._dynamo import trace_rules
assert trace_rules.is_callable_allowed(whole)
import torch._dynamo._trace_wrapped_higher_order_op as traced
assert masks.TransformGetItemToIndex is traced.TransformGetItemToIndex
assert isinstance(torch.compile(layer), torch._dynamo.eval_frame.OptimizedModule)
""",
    "an optimizer goes on, and is compiled": """
step = torch.compile(lambda: optimizer.step(), backend="eager")
layer(torch.ones(1, 2)).sum().backward()
step()
optimizer.zero_grad()
assert optimizer.state_dict()["state"][0]["step"] == 2
""",
    "symbolic shapes are there": """
import sympy
from torch.fx.experimental import symbolic_shapes
from torch.distributed.tensor import _collective_utils, _decompositions

assert _collective_utils.guard_or_false is symbolic_shapes.guard_or_false
wanted = symbolic_shapes.GuardOnDataDependentSymNode
assert _decompositions.GuardOnDataDependentSymNode is wanted
exported = torch.export.export(
    layer, (torch.ones(3, 2),), dynamic_shapes=({0: torch.export.Dim("rows")},)
)
assert exported.module()(torch.ones(5, 2)).shape == (5, 2)
assert isinstance(sympy.Symbol("x"), sympy.Basic)
""",
    "models can be spread": """
import torch.distributed as dist
import transformers.distributed.fsdp as ours
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule

assert ours.CPUOffloadPolicy is CPUOffloadPolicy
dist.init_process_group("gloo", init_method="tcp://127.0.0.1:0", rank=0, world_size=1)
sharded = ours.fully_shard(torch.nn.Linear(2, 2), mesh=dist.device_mesh.init_device_mesh("cpu", (1,)))
assert isinstance(sharded, FSDPModule) and sharded(torch.ones(1, 2)).shape == (1, 2)
assert not ours.is_fsdp_managed_module(torch.nn.Linear(2, 2))
dist.destroy_process_group()
""",
    "in a block too": """
with lean():
    assert float(torch.compile(lambda x: apart(x), backend="eager")(torch.zeros(()))) == 1
    import torch._dynamo.config

    assert torch._dynamo.config is sys.modules["torch._dynamo"].config
""",
}


@pytest.mark.parametrize("then", AFTERWARDS.values(), ids=AFTERWARDS)
def test_nothing_is_lost_when_the_compiler_comes(then: str):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILES + then],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_everything_is_imported_where_that_is_asked_for():
    program = """
import sys
from ft_runtime.lean import lean
from ft_runtime.standins import StandIn

with lean():
    import torch

    assert not any(isinstance(each, StandIn) for each in sys.modules.values())
"""
    asked = {**os.environ, "FT_LEAN": "off"}
    usual = {name: value for name, value in asked.items() if name != "FT_LEAN"}
    assert subprocess.run([sys.executable, "-c", program], env=asked, check=False).returncode == 0
    assert subprocess.run(
        [sys.executable, "-c", program], env=usual, capture_output=True, check=False
    ).returncode  # there are some to be left out


ANSWERS = """
import itertools
import torch
from torch.fx.experimental import symbolic_shapes
from ft_runtime.uncompiled import _ANSWERS

values = [True, False, 0, 1, 7, (2, 3), [2, 3], (2,), (), torch.Size([2, 3])]
asked = 0
for name, (known, answer) in _ANSWERS.items():
    real = getattr(symbolic_shapes, name)
    for count in (1, 2, 3):
        for arguments in itertools.product(values, repeat=count):
            if not known(*arguments):
                continue
            try:
                expected = real(*arguments)
            except (TypeError, AssertionError):  # nobody asks this
                continue
            asked += 1
            assert answer(*arguments) == expected, (name, arguments)
            assert type(answer(*arguments)) is type(expected), (name, arguments)
assert asked > 100, asked
"""


def test_of_plain_numbers_the_algebra_says_the_same():
    subprocess.run([sys.executable, "-W", "ignore", "-c", ANSWERS], check=True)
