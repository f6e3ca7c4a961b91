"""Ask a model how it may be trained: packed or padded, with the quick loss or the whole logits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, finding, text
from ft_runtime.tokens.packing import check_packing, probe_row
from ft_runtime.training import segments
from ft_runtime.training.kernels import installed_kernels
from ft_runtime.training.quick_loss import QuickLoss

if TYPE_CHECKING:
    import torch

    from ft_runtime.training.head_loss import Kernel, Logits

_REFUSALS = (
    TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError, KeyError, IndexError,
)  # fmt: skip
# Of the spread of the logits: rounding in 16 bits is below, another function is above.
_SAME = {2: 0.05, 4: 1e-3}
# Of a loss, beside the one that is taken on the same logits, both in 32 bits.
_EXACT = 1e-5


@dataclass
class Way:
    """How a model is trained.

    Attributes
    ----------
    packed : bool
        Rows are laid end to end; else they are padded.
    attention : str or None
        The attention that keeps packed rows apart; None for the model's own.
    maskless : bool
        Right padding needs no mask: what comes later is not seen.
    quick : QuickLoss or None
    balanced : bool
        The model adds a loss of its own to that of the tokens, once for each micro-batch: what
        keeps its experts busy.
    findings : list of Finding
        What was wanted and could not be.
    """

    packed: bool = False
    attention: str | None = None
    maskless: bool = False
    quick: QuickLoss | None = None
    balanced: bool = False
    findings: list[Finding] = field(default_factory=list)


def find_way(model: Any, packing: Any, longest: int, device: str, half: bool) -> Way:
    """Find out how to train a language model.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
    packing : "auto", True or False
        As the config has it. True insists: what speaks against it is then an error.
    longest : int
        The longest row.
    device : str
    half : bool
        Whether it computes in 16 bits.
    """
    way = Way()
    if packing is not False:
        _pack(way, model, packing is True, longest, device, half)
    if not way.packed:
        way.maskless = _causal(model)
    way.quick, reason = _quick(model)
    if way.quick is None:
        way.findings.append(finding("training.whole_logits", "model_id", reason=reason))
        way.balanced = _balances(model)
    return way


def _pack(way: Way, model: Any, asked: bool, longest: int, device: str, half: bool) -> None:
    segments.register()
    name = segments.implementation(model, device, half)
    segments.SEGMENTS.windows.clear()
    against = check_packing(model, name)
    if not against and name != segments.NAME:
        # Our own attention alone notes which windows the layers ask for.
        check_packing(model, segments.NAME)
    limit = None if against else _unseen_window(model, longest)
    if not against and limit is None:
        way.packed, way.attention = True, name
        return
    if asked:
        # A block mask costs the square of the length, and keeps rows apart where ours cannot.
        errors = check_packing(model)
        way.findings += errors
        way.packed = not errors
        return
    reason = against[0].message if against else text("training.window", window=limit)
    way.findings.append(finding("training.not_packed", "hyperparams.packing", reason=reason))


def _unseen_window(model: Any, longest: int) -> int | None:
    """Return the window of layers that see only near tokens, where the packed attention has none.

    Most architectures tell their window to the attention function; some only draw it into the mask.
    """
    text_config: Any = getattr(model, "config", None)
    if hasattr(text_config, "get_text_config"):
        text_config = text_config.get_text_config()
    for name in ("sliding_window", "attention_chunk_size", "local_attention_window_size"):
        window = getattr(text_config, name, None)
        if not isinstance(window, int) or isinstance(window, bool) or window >= longest:
            continue
        kinds = set(getattr(text_config, "layer_types", None) or ["sliding_attention"])
        used = getattr(text_config, "use_sliding_window", True)
        if used and kinds != {"full_attention"} and window not in segments.SEGMENTS.windows:
            return window
    return None


@contextlib.contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _causal(model: Any) -> bool:
    """Return True when a row's logits do not change with tokens that come after it, unmasked."""
    import torch

    ids = probe_row(model)
    half = ids.shape[1] // 2
    try:
        with _evaluating(model):
            alone = model(input_ids=ids[:, :half]).logits.float()
            padded = model(input_ids=ids).logits[:, :half].float()
    except _REFUSALS:
        return False
    return bool(torch.isfinite(alone).all()) and _same(padded, alone, _SAME[_bytes(model)])


def _balances(model: Any) -> bool:
    """Return True where a model tells of a loss of its own beside that of the tokens."""
    ids = probe_row(model)
    try:
        with _evaluating(model):
            outputs = model(input_ids=ids, labels=ids)
    except _REFUSALS:
        return False
    return getattr(outputs, "aux_loss", None) is not None


def _quick(model: Any) -> tuple[QuickLoss | None, str]:
    """Return the quick loss for a model, or None and why not."""
    try:
        with _evaluating(model):
            return _ask_head(model)
    except _REFUSALS as error:
        return None, str(error).split("\n", 1)[0][:200]


def _ask_head(model: Any) -> tuple[QuickLoss | None, str]:
    """Ask the model what goes into its head, what comes out, and what it makes of that."""
    seen: list[Any] = []
    head = model.get_output_embeddings()
    if head is None:
        return None, text("training.no_head")
    ids = probe_row(model)
    hook = head.register_forward_hook(lambda *call: seen.append(call[-1]))
    try:
        outputs = model(input_ids=ids, labels=ids)
    finally:
        hook.remove()
    if len(seen) != 1:
        return None, text("training.no_head")
    near = _SAME[_bytes(model)]
    known, after = _after(model, seen[0], outputs.logits, near)
    if not known:
        return None, text("training.odd_logits")
    plain = float(outputs.loss)
    taken = _cross_entropy(outputs.logits, ids)
    # A mixture of experts may add what keeps its experts busy, and that may be little.
    rounding = near if outputs.loss.element_size() < 4 else _EXACT
    if not abs(taken - plain) <= rounding * max(1.0, abs(plain)):
        return None, _odd_loss(taken, plain)
    kernels = [kernel for _, kernel in installed_kernels(ids.device.type)]
    quick = _first_right(model, after, kernels, ids, plain, near)
    if quick is None:
        return None, _odd_loss(_mean(QuickLoss(model, after), ids), plain)
    return quick, ""


def _odd_loss(quick: float, plain: float) -> str:
    return text("training.odd_loss", quick=f"{quick:.4f}", plain=f"{plain:.4f}")


def _cross_entropy(logits: torch.Tensor, ids: torch.Tensor) -> float:
    """Return the mean loss of the tokens that follow, by the logits that the model gave itself."""
    from torch.nn import functional

    return float(functional.cross_entropy(logits[0, :-1].float(), ids[0, 1:].to(logits.device)))


def _first_right(
    model: Any,
    after: Logits | None,
    kernels: list[Kernel],
    ids: torch.Tensor,
    plain: float,
    near: float,
) -> QuickLoss | None:
    """Return a quick loss that says what the model says: with a kernel, if one works here."""
    for kernel in [*kernels, None]:
        quick = QuickLoss(model, after, kernel)
        try:
            mean = _mean(quick, ids)
        except Exception:
            # A kernel is compiled when it is first used: much can be missing.
            if kernel is None:
                raise
            continue
        # Written so that a NaN is odd, too.
        if abs(mean - plain) <= near * max(1.0, abs(plain)):
            return quick
    return None


def _mean(quick: QuickLoss, ids: torch.Tensor) -> float:
    total = quick(quick.model, {"input_ids": ids, "labels": ids})
    return float(total) / (ids.shape[1] - 1)


def _after(
    model: Any, raw: torch.Tensor, final: torch.Tensor, near: float
) -> tuple[bool, Logits | None]:
    """Find what a model does to its head's output: nothing, scaling, or soft capping."""
    import torch

    config = model.config.get_text_config()
    ways: list[Logits | None] = [None]
    cap = getattr(config, "final_logit_softcapping", None)
    if cap:
        ways.append(lambda logits: cap * torch.tanh(logits / cap))
    for name in ("logit_scale", "lm_head_multiplier", "output_multiplier_scale"):
        if isinstance(getattr(config, name, None), int | float):
            ways.append(_times(float(getattr(config, name))))
    if isinstance(getattr(config, "logits_scaling", None), int | float):
        ways.append(_times(1.0 / float(config.logits_scaling)))
    for after in ways:
        made = raw if after is None else after(raw)
        if _same(made.float(), final.float(), near / 10):
            return True, after
    return False, None


def _times(factor: float) -> Logits:
    return lambda logits: logits * factor


def _same(found: torch.Tensor, expected: torch.Tensor, near: float) -> bool:
    if found.shape != expected.shape:  # there are tokens that nobody gave it, as of a soft prompt
        return False
    spread = float(expected.std()) or 1.0
    return float((found - expected).abs().max()) <= near * spread


def _bytes(model: Any) -> int:
    """Return 2 for a model with weights in 16 bits or fewer, else 4."""
    sizes = {weight.element_size() for weight in model.parameters() if weight.is_floating_point()}
    return 2 if min(sizes, default=4) < 4 or getattr(model, "is_quantized", False) else 4
