"""Rendering conversations with the tokenizer's chat template, and a plain one for base models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ft_runtime.data.formats.chat import texts
from ft_runtime.findings import FindingsError, finding
from ft_runtime.tokens.content import Message, in_parts, takes_parts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN_CHAT_TEMPLATE = (
    "{% if bos_token is defined and bos_token and bos_token != eos_token %}"
    "{{ bos_token }}"
    "{% endif %}"
    "{% for message in messages %}"
    "{{ '### ' + message['role'] | capitalize + ':\\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
    "{{ '\\n\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant:\\n' }}{% endif %}"
)
"""The chat template for a tokenizer that has none, as base models have not.

Ordinary words only, so that it needs no token that the model never saw in its pretraining::

    ### System:
    You are terse.

    ### User:
    What is 2 + 2?

    ### Assistant:
    4</s>

An assistant turn is closed with the tokenizer's end token, so a model tuned with it knows when to
stop. A begin token comes first where the tokenizer has one of its own. A line break stands before
each answer: tokenizers keep it apart from the word that follows, so prompt and answer never share
a token.
"""

_LITERAL_FORMAT = re.compile(r"""strftime_now\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)""")
_LONGEST = 300
# Roles that some templates know and others pass over without a word.
_RARE = ("developer", "function")
_CLOCK_MACRO = (
    "{%- macro strftime_now(format) -%}{{ ft_clock[format] }}{%- endmacro +%}"  # see _frozen
)


class RefusalError(Exception):
    """The chat template cannot render a conversation; the text is the template's own words."""


class PartsError(RefusalError):
    """The chat template takes a text as content, and no list of parts."""


class ChatRenderer:
    """Renders conversations as inference does, through ``tokenizer.apply_chat_template``.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        With a chat template.
    moment : datetime
        What a template that asks for the time (``strftime_now``) is told. It is the start of the
        run and not the clock, so that a run resumed on another day has the same tokens.

    Attributes
    ----------
    source : str
        The template.
    uses_clock : bool
        The template asks for the time: a later run has other tokens.
    options : dict
        What `apply_chat_template` is given: the template as it is now, and its clock, stopped.
    fickle : bool
        The clock cannot be stopped: the same row may be another text a moment later.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, moment: datetime) -> None:
        self._tokenizer = tokenizer
        self.source: str = tokenizer.get_chat_template()
        self.uses_clock = "strftime_now" in self.source
        stopped = _frozen(self.source, moment) if self.uses_clock else {}
        self.options: dict[str, Any] = {"chat_template": self.source, **stopped}
        self.fickle = self.uses_clock and not stopped
        self._takes: dict[tuple[Any, ...], bool] = {}

    def render(self, messages: Sequence[Message], generation: bool = False) -> str:
        """Return the text of a conversation.

        Parameters
        ----------
        messages : sequence of mapping
            ``role`` and ``content``, at least one.
        generation : bool
            End with what invites the assistant's next turn.

        Raises
        ------
        RefusalError
            With the template's words, such as "Conversation roles must alternate"; or because it
            leaves out messages of a rare role, which would lose them in silence.
        PartsError
            When a content is a list of parts and the template takes texts only.
        FindingsError
            ``tokens.template_broken`` when the template is no valid Jinja: no row is to blame.
        """
        from jinja2 import TemplateSyntaxError

        try:
            if any(map(in_parts, messages)) and not self._takes_parts(messages, generation):
                raise PartsError
            text = self._apply(messages, generation)
        except PartsError:
            raise
        except TemplateSyntaxError as error:
            values = {"line": error.lineno, "problem": error.message or ""}
            raise FindingsError(
                [finding("tokens.template_broken", "model_id", **values)]
            ) from error
        # A template is code of somebody else: anything that it raises is its refusal.
        except Exception as error:
            raise RefusalError(_words(error)) from error
        for message in messages:
            # Whatever marks have shown: a list as Python writes it is never learned.
            if in_parts(message) and str(message["content"]) in text:
                raise PartsError
            if message["role"] in _RARE and not all(_rendered(t, text) for t in texts(message)):
                raise RefusalError(f'messages of the role "{message["role"]}" are left out')
        return text

    def _apply(self, messages: Sequence[Message], generation: bool) -> str:
        text: str = self._tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=generation,
            **self.options,
        )
        return text

    def _takes_parts(self, messages: Sequence[Message], generation: bool) -> bool:
        """Tell whether the template takes the parts; asked once for messages of one build."""
        build = tuple(
            (m["role"], len(texts(m)) if in_parts(m) else -1, *sorted(m)) for m in messages
        )
        if build not in self._takes:
            self._takes[build] = takes_parts(messages, lambda each: self._apply(each, generation))
        return self._takes[build]


def _words(error: Exception) -> str:
    """Return what a template says, cut: some say a whole row again."""
    words = str(error) or type(error).__name__
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _rendered(said: str, text: str) -> bool:
    """Tell whether a template wrote what a message says, as it is or as JSON."""
    plain = said.strip()
    return plain in text or json.dumps(plain)[1:-1] in text


def instruction_messages(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an instruction row as a conversation.

    The user says the instruction and, after a blank line, the input if there is one; the assistant
    answers with the output; a system message goes first if the row has one.
    """
    asked = fields["instruction"]
    if fields.get("input"):
        asked = f"{asked}\n\n{fields['input']}"
    messages = [{"role": "user", "content": asked}]
    if fields.get("system"):
        messages.insert(0, {"role": "system", "content": fields["system"]})
    return [*messages, {"role": "assistant", "content": fields["output"]}]


def _frozen(source: str, moment: datetime) -> dict[str, Any]:
    """Return options of ``apply_chat_template`` that stop the clock of the template at `moment`.

    The formats that the template asks for are looked up in a table by a macro that stands in for
    the function. A template that computes its formats keeps the real clock.
    """
    found = [double or single for double, single in _LITERAL_FORMAT.findall(source)]
    if len(found) != len(re.findall(r"strftime_now\(", source)):
        return {}
    clock = {wanted: moment.strftime(wanted) for wanted in found}
    return {"chat_template": _CLOCK_MACRO + source, "ft_clock": clock}
