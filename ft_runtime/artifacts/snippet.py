"""Runnable code that loads what a run saved and asks it one thing."""

from __future__ import annotations

from typing import Any

from ft_runtime.artifacts.facts import Facts

_CHAT_FORMATS = ("jsonl_chat", "jsonl_instr")


def loading_code(facts: Facts, folder: str) -> str:
    """Return Python that loads the model from `folder` and prints one answer.

    Values enter as literals by ``repr``; nothing of the config is pasted in as code.

    Parameters
    ----------
    facts : Facts
    folder : str
        What ``from_pretrained`` is given: a folder or the id of a hub repository.
    """
    lines = [*_imports(facts), "", f"folder = {folder!r}"]
    lines.append("tokenizer = AutoTokenizer.from_pretrained(folder)")
    lines += _load(facts)
    lines += ["", *(_classify() if facts.classification else _generate(facts))]
    return "\n".join(lines)


def _auto(facts: Facts) -> str:
    return "AutoModelForSequenceClassification" if facts.classification else "AutoModelForCausalLM"


def _imports(facts: Facts) -> list[str]:
    names = [_auto(facts), "AutoTokenizer"]
    if facts.config["tune_type"] == "qlora":
        names.append("BitsAndBytesConfig")
    peft = ["from peft import PeftModel"] if facts.is_adapter else []
    return ["import torch", *peft, f"from transformers import {', '.join(names)}"]


def _load(facts: Facts) -> list[str]:
    trust = {"trust_remote_code": True} if facts.config["trust_remote_code"] else {}
    if not facts.is_adapter:
        given = _options({"dtype": "auto", **trust})
        return [f"model = {_auto(facts)}.from_pretrained(folder, {given}).eval()"]
    options: dict[str, Any] = {"dtype": "auto", **trust}
    if facts.hub_base and facts.revision:
        options["revision"] = facts.revision
    lines = []
    if facts.classification and facts.labels:
        lines += [f"labels = {facts.labels!r}"]
    call = [repr(facts.config["model_id"]), _options(options), *_computed(facts)]
    # A relative path of a local base starts elsewhere than that of the files.
    place = "  # its folder, as seen from where the run was started" if not facts.hub_base else ""
    lines += [
        *_quantisation(facts),
        f"base = {_auto(facts)}.from_pretrained(",
        f"    {call[0]},{place}",
        *(f"    {argument}," for argument in call[1:]),
        ")",
        "model = PeftModel.from_pretrained(base, folder).eval()",
    ]
    return lines


def _computed(facts: Facts) -> list[str]:
    """Return arguments that are expressions and not literals."""
    found = []
    if facts.config["tune_type"] == "qlora":
        found.append("quantization_config=quantisation")
    if facts.classification and facts.labels:
        found += ["num_labels=len(labels)", "id2label=dict(enumerate(labels))"]
        found.append("label2id={label: number for number, label in enumerate(labels)}")
    return found


def _quantisation(facts: Facts) -> list[str]:
    """Return the quantisation that the adapter was trained on."""
    if facts.config["tune_type"] != "qlora":
        return []
    qlora = facts.config["qlora"]
    # A head that was trained whole has no quantised weights to be loaded onto.
    whole = {"llm_int8_skip_modules": facts.whole_modules} if facts.whole_modules else {}
    if qlora["bits"] == 8:
        return [f"quantisation = BitsAndBytesConfig({_options({'load_in_8bit': True, **whole})})"]
    kept = {name: qlora[name] for name in ("bnb_4bit_quant_type", "bnb_4bit_use_double_quant")}
    return [
        "quantisation = BitsAndBytesConfig(",
        f"    {_options({'load_in_4bit': True, **kept, **whole})},",
        f"    bnb_4bit_compute_dtype={_compute_dtype(facts)},",
        ")",
    ]


def _compute_dtype(facts: Facts) -> str:
    known = {"float32", "float16", "bfloat16"}
    asked = facts.config["qlora"]["bnb_4bit_compute_dtype"]
    used = facts.report.get("settings", {}).get("dtype", "float32")
    name = asked if asked in known else used
    return f"torch.{name if name in known else 'float32'}"


def _generate(facts: Facts) -> list[str]:
    options: dict[str, Any] = {"max_new_tokens": facts.config["eval"]["max_new_tokens"]}
    options["do_sample"] = False
    if facts.end_token_ids:
        options["eos_token_id"] = facts.end_token_ids
    return [
        *_prompt(facts),
        "with torch.no_grad():",
        "    output = model.generate(",
        '        input_ids=inputs["input_ids"],',
        '        attention_mask=inputs["attention_mask"],',
        f"        {_options(options)},",
        "    )",
        'answer = output[0, inputs["input_ids"].shape[1] :]',
        "print(tokenizer.decode(answer, skip_special_tokens=True))",
    ]


def _prompt(facts: Facts) -> list[str]:
    if facts.config["dataset"]["format"] in _CHAT_FORMATS:
        return [
            'messages = [{"role": "user", "content": "Your question"}]',
            "inputs = tokenizer.apply_chat_template(",
            '    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
            ")",
        ]
    return ['inputs = tokenizer("Your prompt", return_tensors="pt")']


def _classify() -> list[str]:
    return [
        'inputs = tokenizer("Your text", return_tensors="pt")',
        "with torch.no_grad():",
        "    chances = model(**inputs).logits.softmax(dim=-1)[0]",
        "best = int(chances.argmax())",
        "print(model.config.id2label[best], float(chances[best]))",
    ]


def _options(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
