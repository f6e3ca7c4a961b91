"""The shape that a template gives to a sequence of roles, and rows that fit it.

One rendering with marks in place of the contents serves every row with the same roles. A row fits
when the shape, filled with its contents (whole, or trimmed as the template trims), is its
rendering.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ft_runtime.tokens.content import with_text
from ft_runtime.tokens.specials import Specials
from ft_runtime.tokens.template import ChatRenderer, RefusalError

ASSISTANT = "assistant"
# Private-use characters: no template knows them, and no trimming takes them for white space.
_MARK = re.compile("\ue0d5(\\d+)\ue0d6")

Roles = tuple[str, ...]
Listed = tuple[bool, ...]
Trim = Callable[[str], str]
# What templates do to a content: `trim` in Jinja is str.strip; the others are methods in use.
_TRIMS: tuple[Trim, ...] = (
    lambda text: text,
    str.strip,
    str.rstrip,
    str.lstrip,
    lambda text: text.strip("\n"),
    lambda text: text.lstrip("\n"),
    lambda text: text.rstrip("\n"),
)


@dataclass(frozen=True)
class Turn:
    """An assistant turn in a rendered text: characters ``[start, end)``.

    Attributes
    ----------
    start : int
        Where the model takes over from the prompt.
    end : int
        Behind the control token that ends the turn, if there is one.
    closed : bool
        A control token ends the turn.
    """

    start: int
    end: int
    closed: bool


def mark(index: int) -> str:
    """Return what stands for the content of message `index` in a shape."""
    return f"\ue0d5{index}\ue0d6"


@dataclass
class Shape:
    """What a template writes around the contents of a sequence of roles.

    Attributes
    ----------
    roles : tuple of str
    literals : list of str
        The template's own text: before the first content, between two, after the last.
    order : list of int
        Which message's content stands between two literals.
    leads : dict
        By assistant message: how many characters before its content the prompt of inference ends.
    tails : dict
        By assistant message: how many characters after its content the turn ends, and whether a
        control token ends it.
    prompted : bool
        The prompt of inference for the last turn is the text before it.
    """

    roles: tuple[str, ...]
    literals: list[str]
    order: list[int]
    leads: dict[int, int]
    tails: dict[int, tuple[int, bool]]
    prompted: bool
    _usual: dict[str, Trim] = field(default_factory=dict)

    def fit(self, contents: Sequence[str], full: str) -> list[Turn] | None:
        """Return the assistant turns of a row, or None when its rendering has another shape."""
        for trims in self._candidates(contents):
            values = [trims[role](text) for role, text in zip(self.roles, contents, strict=True)]
            pieces = [self.literals[0]]
            for index, literal in zip(self.order, self.literals[1:], strict=True):
                pieces += (values[index], literal)
            if "".join(pieces) == full:
                self._usual = trims
                return self._turns(values)
        return None

    def _turns(self, values: Sequence[str]) -> list[Turn]:
        turns = []
        position = len(self.literals[0])
        for index, literal in zip(self.order, self.literals[1:], strict=True):
            end = position + len(values[index])
            if index in self.tails:
                after, closed = self.tails[index]
                turns.append(Turn(position - self.leads[index], end + after, closed))
            position = end + len(literal)
        return turns

    def _candidates(self, contents: Sequence[str]) -> Iterator[dict[str, Trim]]:
        """Yield how the contents of each role may have been trimmed, the likeliest first."""
        present = dict.fromkeys(self.roles)
        yield self._usual or dict.fromkeys(present, _TRIMS[0])
        if all(text == text.strip() for text in contents):
            return
        for trim in _TRIMS:
            yield dict.fromkeys(present, trim)
        for chosen in itertools.product(_TRIMS, repeat=min(len(present), 3)):
            yield dict.fromkeys(present, _TRIMS[0]) | dict(zip(present, chosen, strict=False))


class ShapeBook:
    """The shapes of one template, made when first asked for."""

    def __init__(self, renderer: ChatRenderer, specials: Specials) -> None:
        self._renderer = renderer
        self._specials = specials
        self._shapes: dict[tuple[Roles, Listed], Shape | None] = {}
        self._texts: dict[tuple[Roles, Listed, bool], str | None] = {}

    def of(self, roles: Roles, listed: Listed) -> Shape | None:
        """Return the shape of a sequence of roles; None if marks do not come back one by one.

        Parameters
        ----------
        roles : tuple of str
        listed : tuple of bool
            Which contents are lists of parts: some templates take nothing else.
        """
        if (roles, listed) not in self._shapes:
            self._shapes[roles, listed] = self._make(roles, listed)
        return self._shapes[roles, listed]

    def closers(self, roles: Roles, listed: Listed) -> frozenset[str]:
        """Return the control tokens that the template writes right after what others say."""
        text = self._text(roles, listed)
        if text is None:
            return frozenset()
        literals, order = _parts(text)
        after = zip(order, literals[1:], strict=True)
        found = (self._specials.first(t) for i, t in after if roles[i] != ASSISTANT)
        return frozenset(match.group() for match in found if match)

    def _make(self, roles: Roles, listed: Listed) -> Shape | None:
        text = self._text(roles, listed)
        answers = [index for index, role in enumerate(roles) if role == ASSISTANT]
        if text is None or any(text.count(mark(index)) != 1 for index in answers):
            return None
        literals, order = _parts(text)
        closers = self.closers(roles, listed)
        leads, tails = {}, {}
        prompted = False
        for place, index in enumerate(order):
            if index not in answers:
                continue
            before = text[: text.index(mark(index))]
            prompt = self._text(roles[:index], listed[:index], generation=True)
            lead = len(before) - len(prompt or "")
            prompted = (
                bool(prompt) and before.startswith(prompt or "") and (lead <= len(literals[place]))
            )
            leads[index] = lead if prompted else 0
            alone = self._text(roles[: index + 1], listed[: index + 1])
            own = alone.rpartition(mark(index))[2] if alone else None
            tails[index] = closing(self._specials, own, literals[place + 1], closers)
        return Shape(roles, literals, order, leads, tails, prompted)

    def _text(self, roles: Roles, listed: Listed, generation: bool = False) -> str | None:
        """Render marks for a sequence of roles; None when the template refuses."""
        key = (roles, listed, generation)
        if key not in self._texts:
            messages = [
                with_text({"role": role, "content": [] if parts else ""}, mark(i))
                for i, (role, parts) in enumerate(zip(roles, listed, strict=True))
            ]
            try:
                self._texts[key] = self._renderer.render(messages, generation) if roles else None
            except RefusalError:
                self._texts[key] = None
        return self._texts[key]


def closing(
    specials: Specials, own: str | None, tail: str, closers: frozenset[str]
) -> tuple[int, bool]:
    """Tell how far into `tail`, the text after an answer, the answer's turn goes.

    Parameters
    ----------
    specials : Specials
    own : str or None
        What the template writes after the answer when the conversation ends with it: the close of
        the turn alone, without the header of the next one.
    tail : str
        What it writes here.
    closers : frozenset of str
        Control tokens that close other roles' turns.

    Returns
    -------
    (int, bool)
        Characters, and whether a control token ends the turn.
    """
    if own is not None and tail.startswith(own):
        match = specials.first(own)
        return (match.end(), True) if match else (len(own), False)
    # Some templates close the last answer in another way than those before it. A control token that
    # also follows what the user says closes a turn; one that does not may open the next.
    match = specials.first(tail)
    return (match.end(), True) if match and match.group() in closers else (0, False)


def _parts(text: str) -> tuple[list[str], list[int]]:
    pieces = _MARK.split(text)
    return pieces[0::2], [int(piece) for piece in pieces[1::2]]
