"""Chat templates in the manner of the well-known families, each with an oracle of its own.

The Jinja text is what the runtime is given. The oracle is written a second time, in Python, from the
description of the format: it returns the pieces of a conversation and which of them the model must
produce. Nothing is shared between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Messages = Sequence[dict[str, str]]
Pieces = list[tuple[str, bool]]


@dataclass(frozen=True)
class Dialect:
    name: str
    template: str
    oracle: Callable[[Messages], Pieces]
    specials: tuple[str, ...]
    eos: str
    bos: str | None = None
    system: bool = True
    alternating: bool = False
    swallows: tuple[str, ...] = ()  # control tokens that take white space behind them along
    plain_added: tuple[str, ...] = ()  # added tokens that are not special

    def __repr__(self) -> str:
        return self.name


def text_of(pieces: Pieces) -> str:
    return "".join(piece for piece, _ in pieces)


def learned_of(pieces: Pieces) -> list[str]:
    return [piece for piece, learned in pieces if learned]


def _turns(
    messages: Messages,
    before: Callable[[str], str],
    close: str,
    behind: str,
    start: str = "",
    change: Callable[[str], str] = str,
    names: dict[str, str] | None = None,
) -> Pieces:
    pieces: Pieces = [(start, False)]
    for message in messages:
        role = (names or {}).get(message["role"], message["role"])
        pieces += [
            (before(role), False),
            (change(message["content"]) + close, message["role"] == "assistant"),
            (behind, False),
        ]
    return pieces


CHATML = Dialect(
    "chatml",
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    lambda messages: _turns(messages, lambda role: f"<|im_start|>{role}\n", "<|im_end|>", "\n"),
    ("<|im_start|>", "<|im_end|>"),
    "<|im_end|>",
)


def _inst(messages: Messages) -> Pieces:
    pieces: Pieces = []
    system = ""
    for message in messages:
        content = message["content"].strip()
        if message["role"] == "system":
            system = f"<<SYS>>\n{content}\n<</SYS>>\n\n"
        elif message["role"] == "user":
            pieces.append((f"<s>[INST] {system}{content} [/INST]", False))
            system = ""
        else:
            # The prompt of inference ends with the bracket: the space is the model's.
            pieces.append((f" {content} </s>", True))
    return pieces


INST = Dialect(
    "llama-2",
    "{% if messages[0].role == 'system' %}"
    "{% set sys = '<<SYS>>\\n' + messages[0].content.strip() + '\\n<</SYS>>\\n\\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set sys = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must take turns: user, assistant, user, ...') }}{% endif %}"
    "{% if m.role == 'user' %}"
    "{{ bos_token + '[INST] ' + (sys if loop.first else '') + m.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}"
    "{% endfor %}",
    _inst,
    ("<s>", "</s>"),
    "</s>",
    "<s>",
    alternating=True,
)

HEADERS = Dialect(
    "llama-3",
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' }}"
    "{{ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
    lambda messages: _turns(
        messages,
        lambda role: f"<|start_header_id|>{role}<|end_header_id|>\n\n",
        "<|eot_id|>",
        "",
        "<|begin_of_text|>",
        str.strip,
    ),
    ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "<|eot_id|>",
    "<|begin_of_text|>",
)


def _mistral(messages: Messages) -> Pieces:
    pieces: Pieces = [("<s>", False)]
    system = ""
    for message in messages:
        if message["role"] == "system":
            system = message["content"] + "\n\n"
        elif message["role"] == "user":
            pieces.append((f"[INST]{system}{message['content']}[/INST]", False))
            system = ""
        else:
            pieces.append((message["content"] + "</s>", True))
    return pieces


MISTRAL = Dialect(
    "mistral",
    "{{ bos_token }}{% set ns = namespace(system='', turn=0) %}{% for m in messages %}"
    "{% if m.role == 'system' and loop.first %}{% set ns.system = m.content + '\\n\\n' %}{% else %}"
    "{% if (m.role == 'user') != (ns.turn % 2 == 0) %}"
    "{{ raise_exception('after the optional system message, roles must alternate') }}{% endif %}"
    "{% set ns.turn = ns.turn + 1 %}"
    "{% if m.role == 'user' %}[INST]{{ ns.system }}{{ m.content }}[/INST]{% set ns.system = '' %}"
    "{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endif %}{% endfor %}",
    _mistral,
    ("<s>", "</s>", "[INST]", "[/INST]"),
    "</s>",
    "<s>",
    alternating=True,
)

GEMMA = Dialect(
    "gemma",
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}"
    "{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' + role + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
    lambda messages: _turns(
        messages,
        lambda role: f"<start_of_turn>{role}\n",
        "<end_of_turn>",
        "\n",
        "<bos>",
        str.strip,
        {"assistant": "model"},
    ),
    ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
    "<eos>",
    "<bos>",
    system=False,
)

PHI = Dialect(
    "phi-3",
    "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}",
    lambda messages: [
        *_turns(messages, lambda role: f"<|{role}|>\n", "<|end|>", "\n"),
        ("<|endoftext|>", False),
    ],
    ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"),
    "<|endoftext|>",
    swallows=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
)

ZEPHYR = Dialect(
    "zephyr",
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content + eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    lambda messages: _turns(messages, lambda role: f"<|{role}|>\n", "</s>", "\n"),
    ("<s>", "</s>"),
    "</s>",
    "<s>",
)


def _thoughts(content: str) -> tuple[str, str]:
    """(thought, answer) as the thinking template takes a content apart."""
    if "</think>" not in content:
        return "", content
    thought = content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n")
    return thought, content.split("</think>")[-1].lstrip("\n")


def _thinking(messages: Messages) -> Pieces:
    last_question = max(i for i, m in enumerate(messages) if m["role"] == "user")
    pieces: Pieces = []
    for index, message in enumerate(messages):
        said = message["content"]
        if message["role"] == "assistant":
            thought, said = _thoughts(said)
            if index > last_question:
                clean = thought.strip("\n")
                said = f"<think>\n{clean}\n</think>\n\n" + said.lstrip("\n")
        pieces += [
            (f"<|im_start|>{message['role']}\n", False),
            (f"{said}<|im_end|>", message["role"] == "assistant"),
            ("\n", False),
        ]
    return pieces


THINKING = Dialect(
    "thinking",
    "{% set ns = namespace(last=0) %}{% for m in messages %}"
    "{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}{% set said = m.content %}{% if m.role == 'assistant' %}"
    "{% set thought = '' %}{% if '</think>' in said %}"
    "{% set thought = said.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}"
    "{% set said = said.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
    "{% if loop.index0 > ns.last %}"
    "{{ '<|im_start|>assistant\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' }}"
    "{{ said.lstrip('\\n') }}{% else %}{{ '<|im_start|>assistant\\n' + said }}{% endif %}"
    "{% else %}{{ '<|im_start|>' + m.role + '\\n' + said }}{% endif %}{{ '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    _thinking,
    ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    "<|im_end|>",
    plain_added=("<think>", "</think>"),
)

TRIMMING = Dialect(
    "trimming",
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content.strip('\\n') + '<|stop|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
    lambda messages: _turns(
        messages, lambda role: f"<|{role}|>", "<|stop|>", "", change=lambda text: text.strip("\n")
    ),
    ("<|stop|>", "<|user|>", "<|assistant|>", "<|system|>"),
    "<|stop|>",
)


def _seek(messages: Messages) -> Pieces:
    pieces: Pieces = [("<｜begin｜>", False)]
    pieces += [(m["content"], False) for m in messages if m["role"] == "system"]
    for message in messages:
        if message["role"] == "user":
            pieces.append((f"<｜User｜>{message['content']}", False))
        elif message["role"] == "assistant":
            said = message["content"].split("</think>")[-1]
            pieces += [("<｜Assistant｜>", False), (f"{said}<｜end｜>", True)]
    return pieces


SEEK = Dialect(
    "deepseek",
    "{{ bos_token }}{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}"
    "{% for m in messages %}"
    "{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}"
    "{% elif m.role == 'assistant' %}"
    "{{ '<｜Assistant｜>' + m.content.split('</think>')[-1] + '<｜end｜>' }}{% endif %}{% endfor %}"
    # As in the reasoning models, the prompt of inference is not how the answer is written later.
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}",
    _seek,
    ("<｜begin｜>", "<｜end｜>", "<｜User｜>", "<｜Assistant｜>"),
    "<｜end｜>",
    "<｜begin｜>",
)


def _speaker(messages: Messages) -> Pieces:
    pieces: Pieces = []
    for message in messages:
        learned = message["role"] == "assistant"
        head, said = f"{message['role'].upper()}:", f" {message['content']}\n"
        pieces += [(head, False), (said, learned)]
    return [*pieces[:-1], (pieces[-1][0] + "</s>", True)]


EOSLESS = Dialect(
    "no end token",
    "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}",
    _speaker,
    ("<s>", "</s>"),
    "</s>",
    "<s>",
)


def _harmony(messages: Messages) -> Pieces:
    pieces: Pieces = []
    for index, message in enumerate(messages):
        close = "<|return|>" if index == len(messages) - 1 else "<|end|>"
        pieces.append((f"<|start|>{message['role']}", False))
        if message["role"] == "assistant":
            # The prompt of inference stops before the channel: naming it is the model's part.
            pieces.append((f"<|channel|>final<|message|>{message['content']}{close}", True))
        else:
            pieces.append((f"<|message|>{message['content']}<|end|>", False))
    return pieces


HARMONY = Dialect(
    "harmony",
    "{% for m in messages %}{{ '<|start|>' + m.role }}"
    "{% if m.role == 'assistant' %}{{ '<|channel|>final' }}{% endif %}"
    "{{ '<|message|>' + m.content }}"
    "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}",
    _harmony,
    ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"),
    "<|return|>",
)


def _plain(messages: Messages) -> Pieces:
    pieces: Pieces = [("<s>", False)]
    for message in messages:
        close = "</s>" if message["role"] == "assistant" else ""
        pieces += [
            (f"### {message['role'].capitalize()}:\n", False),
            (message["content"] + close, message["role"] == "assistant"),
            ("\n\n", False),
        ]
    return pieces


def plain_dialect() -> Dialect:
    from ft_runtime.tokens import PLAIN_CHAT_TEMPLATE

    return Dialect("plain", PLAIN_CHAT_TEMPLATE, _plain, ("<s>", "</s>"), "</s>", "<s>")


DIALECTS = (
    CHATML,
    INST,
    HEADERS,
    MISTRAL,
    GEMMA,
    PHI,
    ZEPHYR,
    THINKING,
    TRIMMING,
    SEEK,
    EOSLESS,
    HARMONY,
    plain_dialect(),
)
