"""What the scan of a JSON Lines file looks for: format, columns, and the numbers of the names."""

from __future__ import annotations

from dataclasses import dataclass, field
from json import dumps
from typing import TYPE_CHECKING

from ft_runtime.doctor.jsonl import gaps
from ft_runtime.doctor.jsonl.frames import Form
from ft_runtime.doctor.jsonl.signs import Scratch
from ft_runtime.doctor.jsonl.words import Lookup

if TYPE_CHECKING:
    from ft_runtime.doctor.jsonl.compiled import Reader

ROLE, CONTENT, FROM, VALUE, FIRST_COLUMN = 1, 2, 3, 4, 8
FIRST_EXTRA, LAST_EXTRA = 24, 56

# The roles of a conversation; the second line are the names of the ShareGPT form.
ROLES = {"system": 1, "user": 2, "assistant": 3, "tool": 4, "function": 5, "developer": 6}
SHAREGPT = {"human": 2, "gpt": 3, "system": 1, "chatgpt": 3, "bot": 3}
SYSTEM, USER, ASSISTANT = 1, 2, 3

# Canonical columns by format: (name, required, is the answer).
COLUMNS: dict[str, tuple[tuple[str, bool, bool], ...]] = {
    "jsonl_chat": (("messages", True, False),),
    "jsonl_instr": (
        ("instruction", True, False),
        ("input", False, False),
        ("output", True, True),
        ("system", False, False),
    ),
    "jsonl_prompt": (("prompt", True, False), ("completion", True, True)),
    "csv_classification": (("text", True, False), ("label", True, True)),
}


@dataclass(frozen=True)
class Column:
    """A canonical column: its name in the file, and whether it must be there, filled."""

    name: str
    actual: str
    number: int
    required: bool
    answer: bool


@dataclass
class Layout:
    """Format and columns of a file, with the look-up tables made from them.

    Attributes
    ----------
    format : str
        A format of the config: ``jsonl_chat``, ``jsonl_instr``, ``jsonl_prompt``,
        ``csv_classification`` (also for JSON Lines with text and label).
    columns : list of Column
    forms : list of Form
        How rows are framed by the tools that write them; none when a name needs escapes.
    unframed : int
        How many blocks are still to be read without trying the frames, as they fitted few rows.
    reader : Reader or None
        The compiled reader of rows, where it is used.
    scratch : Scratch
        Memory for the signs of a block after another.
    seen : set of int
        Numbers of further keys that accepted rows have.
    used : frozenset of str
        Names of the columns in the file.
    """

    format: str
    columns: list[Column]
    keys: Lookup = field(init=False)
    gaps: Lookup = field(init=False)
    roles: Lookup = field(init=False)
    forms: list[Form] = field(init=False)
    unframed: int = 0
    reader: Reader | None = None
    scratch: Scratch = field(default_factory=Scratch)
    seen: set[int] = field(default_factory=set)
    used: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.used = frozenset(column.actual for column in self.columns)
        names = {column.actual.encode(): column.number for column in self.columns}
        if self.chat:
            names |= {b"role": ROLE, b"content": CONTENT, b"from": FROM, b"value": VALUE}
        short = {name: number for name, number in names.items() if 0 < len(name) <= 16}
        self.keys = Lookup(short)
        self.gaps = gaps.lookup()
        self.roles = Lookup({name.encode(): number for name, number in ROLES.items()})
        names_of = {column.actual: column.number for column in self.columns}
        plain = all(name and dumps(name) == f'"{name}"' for name in names_of)
        kinds = (False, True) if self.chat else (False,)
        self.forms = [Form(self.chat, names_of, ROLES, parts=parts) for parts in kinds if plain]
        self._extra = FIRST_EXTRA

    @property
    def chat(self) -> bool:
        """Whether rows are conversations."""
        return self.format == "jsonl_chat"

    def learn(self, name: bytes) -> bool:
        """Give a further key a number, so that its repetition can be seen; False when full."""
        sound = 0 < len(name) <= 16 and name.isascii() and b"\\" not in name
        if not sound or self._extra > LAST_EXTRA:
            return False
        self.keys.add(name, self._extra)
        self._extra += 1
        return True

    @property
    def extras(self) -> list[str]:
        """Keys that were seen in rows and are not used."""
        return [name.decode() for name, n in self.keys.names.items() if n in self.seen]


def make_layout(form: str, columns: dict[str, str] | None = None) -> Layout:
    """Return the layout of a format, with the user's names of columns where given."""
    columns = columns or {}
    return Layout(
        form,
        [
            Column(name, columns.get(name, name), FIRST_COLUMN + i, required, answer)
            for i, (name, required, answer) in enumerate(COLUMNS[form])
        ],
    )
