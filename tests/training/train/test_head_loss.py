"""The loss in chunks is the loss of the whole logits, gradients too, for every kind of head."""

from __future__ import annotations

import copy
import importlib.util
import sys
import types

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    Gemma2Config,
    GPT2Config,
    GraniteConfig,
    LlamaConfig,
    MixtralConfig,
)  # fmt: skip

from ft_runtime.compat import import_peft
from ft_runtime.training import head_loss, kernels, probe
from ft_runtime.training.probe import find_way
from ft_runtime.training.quick_loss import QuickLoss, supervised

SIZES = {
    "vocab_size": 61, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "initializer_range": 0.3, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
IDS = torch.tensor([[5, 6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16, 17, 18]])
LABELS = torch.tensor([[-100, -100, 7, 8, -100, 10, 11], [12, 13, 14, -100, -100, -100, -100]])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Several chunks, the last of them not full."""
    monkeypatch.setattr(head_loss, "rows_at_once", lambda width, device, asked=False: 3)


def make(config):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config)


def llama(**more):
    return make(LlamaConfig(**{**SIZES, **more}))


def adapted(model, **more):
    peft = import_peft()
    torch.manual_seed(1)
    fields = {"r": 2, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM", **more}
    made = peft.get_peft_model(model, peft.LoraConfig(**fields))
    for name, weight in made.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.2)
    return made


def biased():
    model = llama()
    model.lm_head = nn.Linear(16, 61)
    return model


def gpt2():
    still = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    tokens = {"vocab_size": 61, "bos_token_id": 1, "eos_token_id": 2}
    return make(GPT2Config(**tokens, n_embd=16, n_layer=2, n_head=2, n_positions=64, **still))


def frozen(model):
    model.requires_grad_(False)
    model.get_input_embeddings().weight.requires_grad_(True)
    return model


KINDS = {
    "all weights": llama,
    "tied embeddings": lambda: llama(tie_word_embeddings=True),
    "a bias": biased,
    "a frozen head": lambda: frozen(llama()),
    "a frozen head with a bias": lambda: frozen(biased()),
    "adapters": lambda: adapted(llama()),
    "an adapter on the head": lambda: adapted(llama(), target_modules=["q_proj", "lm_head"]),
    "an adapter on a tied head": lambda: adapted(
        llama(tie_word_embeddings=True), target_modules=["lm_head"]
    ),
    "the head trained whole": lambda: adapted(llama(), modules_to_save=["lm_head"]),
    "transposed weights": gpt2,
    "soft capping": lambda: make(Gemma2Config(**SIZES, head_dim=4, final_logit_softcapping=2.0)),
    "scaled logits": lambda: make(CohereConfig(**SIZES, logit_scale=0.3)),
    "divided logits": lambda: make(GraniteConfig(**SIZES, logits_scaling=3.0)),
}  # fmt: skip


def plain(model, smoothing):
    logits = model(input_ids=IDS).logits[:, :-1].float()
    return functional.cross_entropy(
        logits.flatten(0, 1), LABELS[:, 1:].flatten(), reduction="sum", label_smoothing=smoothing
    )


def gradients(model, loss):
    (loss * 0.25).backward()
    return {
        name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None
    }


@pytest.mark.filterwarnings("ignore:Model has .tie_word_embeddings=True")
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradients_are_those_of_the_whole_logits(kind, smoothing):
    model = KINDS[kind]()
    twin = copy.deepcopy(model)
    way = find_way(model, False, 64, "cpu", False)
    assert way.findings == []
    expected = plain(twin, smoothing)
    batch = {"input_ids": IDS, "labels": LABELS, "use_cache": False}
    found = way.quick(model, batch, smoothing)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    wanted, got = gradients(twin, expected), gradients(model, found)
    assert got.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_the_model_is_as_it_was_afterwards():
    model = llama()
    before = model(input_ids=IDS, labels=LABELS)
    quick = QuickLoss(model)
    quick(model, {"input_ids": IDS, "labels": LABELS})
    assert "forward" not in vars(model.lm_head)
    after = model(input_ids=IDS, labels=LABELS)
    assert torch.equal(before.logits, after.logits)

    def broken(*args, **kwargs):
        raise ValueError("no")

    model.model.layers[0].forward = broken
    with pytest.raises(ValueError, match="no"):
        quick(model, {"input_ids": IDS, "labels": LABELS})
    assert "forward" not in vars(model.lm_head)


def test_a_batch_without_a_target_has_no_loss_and_gradients_of_zero():
    for model in (llama(), frozen(llama())):
        loss = QuickLoss(model)(model, {"input_ids": IDS, "labels": torch.full_like(IDS, -100)})
        assert loss.item() == 0.0
        loss.backward()
        assert not model.get_input_embeddings().weight.grad.any()


def test_improbable_targets_have_a_finite_loss():
    """exp(-300) is no float32: the loss is computed without it."""
    head = nn.Linear(4, 5, bias=False)
    head.requires_grad_(False)
    head.weight.copy_(torch.eye(5, 4) * 300)
    hidden = torch.tensor([[1.0, 0.0, 0.0, 0.0]], requires_grad=True)
    loss = head_loss.summed_loss(hidden, torch.tensor([2]), head)
    assert loss.item() == pytest.approx(300.0)
    loss.backward()
    torch.testing.assert_close(hidden.grad, torch.tensor([[300.0, 0.0, -300.0, 0.0]]))


def test_positions_are_those_before_supervised_tokens():
    positions, targets = supervised(LABELS)
    assert positions.tolist() == [1, 2, 4, 5, 7, 8]
    assert targets.tolist() == [7, 8, 10, 11, 13, 14]


def test_a_model_whose_logits_are_its_own_secret_keeps_its_loss():
    model = llama()
    forward = model.forward

    def odd(*args, **kwargs):
        outputs = forward(*args, **kwargs)
        outputs["logits"] = outputs["logits"] ** 2
        return outputs

    model.forward = odd
    way = find_way(model, False, 64, "cpu", False)
    assert way.quick is None
    assert [item.code for item in way.findings] == ["training.whole_logits"]


def test_a_model_with_a_loss_of_its_own_keeps_it():
    model = llama()
    forward = model.forward

    def odd(*args, **kwargs):
        outputs = forward(*args, **kwargs)
        if outputs.get("loss") is not None:
            outputs["loss"] = outputs["loss"] + 1.0
        return outputs

    model.forward = odd
    way = find_way(model, False, 64, "cpu", False)
    assert way.quick is None
    assert "the model's own loss is" in way.findings[0].message


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_experts_that_are_kept_busy_by_the_loss_keep_it(kind):
    """What is added for them is less than what 16 bits round: it must not be lost for that."""
    experts = MixtralConfig(
        **SIZES, num_local_experts=4, output_router_logits=True, router_aux_loss_coef=1e-3
    )
    model = make(experts).to(kind)
    way = find_way(model, False, 64, "cpu", False)
    assert way.quick is None
    assert "the model's own loss is" in way.findings[0].message
    model.config.output_router_logits = False
    assert find_way(model, False, 64, "cpu", False).quick is not None


def test_a_model_with_a_soft_prompt_keeps_its_loss():
    """It has more logits than tokens were given to it."""
    peft = import_peft()
    prompt = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    way = find_way(peft.get_peft_model(llama(), prompt), False, 64, "cpu", False)
    assert (way.maskless, way.quick) == (False, None)
    assert [item.code for item in way.findings] == ["training.whole_logits"]


def test_a_model_without_an_output_layer_keeps_its_loss():
    model = llama()
    model.get_output_embeddings = lambda: None
    assert find_way(model, False, 64, "cpu", False).quick is None


def by_hand(hidden, weight, targets, bias=None, reduction="mean"):
    assert reduction == "sum"
    logits = functional.linear(hidden, weight, bias)
    return functional.cross_entropy(logits.float(), targets, reduction=reduction)


def broken(*args, **kwargs):
    raise RuntimeError("no compiler")


def wrong(*args, **kwargs):
    return by_hand(*args, **kwargs) * 1.5


@pytest.mark.parametrize(
    ("liger", "cut", "used"),
    [
        (by_hand, by_hand, "_liger"), (None, by_hand, "_cut"), (broken, by_hand, "_cut"),
        (wrong, None, None), (None, None, None),
    ],
)  # fmt: skip
def test_kernels_that_work_are_used_on_a_gpu(monkeypatch, liger, cut, used):
    """Libraries that need a GPU are played by stand-ins with the names and keywords they have."""
    names = {"liger_kernel": liger, "cut_cross_entropy": cut}
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: names[name] if name in names else find(name, *more),
    )
    parts = types.SimpleNamespace(liger_fused_linear_cross_entropy=liger)
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers.functional", parts)
    whole = types.SimpleNamespace(linear_cross_entropy=cut)
    monkeypatch.setitem(sys.modules, "cut_cross_entropy", whole)
    assert kernels.installed_kernels("cpu") == []
    monkeypatch.setattr(probe, "installed_kernels", lambda _: kernels.installed_kernels("cuda"))
    for make_one in (llama, lambda: frozen(biased())):
        model = make_one()
        twin = copy.deepcopy(model)
        quick = find_way(model, False, 64, "cpu", False).quick
        assert getattr(quick.kernel, "__name__", None) == used
        found = quick(model, {"input_ids": IDS, "labels": LABELS})
        wanted, got = gradients(twin, plain(twin, 0.0)), gradients(model, found)
        for name, gradient in wanted.items():
            torch.testing.assert_close(got[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("kind", ["all weights", "a frozen head", "adapters"])
def test_under_autocast_the_loss_is_that_of_16_bits(kind):
    model = KINDS[kind]()
    twin = copy.deepcopy(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = plain(twin, 0.0)
        found = QuickLoss(model)(model, {"input_ids": IDS, "labels": LABELS})
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-2)
    wanted, got = gradients(twin, expected), gradients(model, found)
    assert got.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert got[name].dtype == gradient.dtype
        assert (got[name] - gradient).norm() <= 0.05 * gradient.norm() + 1e-3, name
