"""Read a config document: YAML 1.2 or JSON, from a file or a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ft_runtime.findings import FindingsError, finding
from ft_runtime.printing import reason_of

_LIMIT = 4 << 20
_VALUES = 100_000
"""Most values (see `_size`) that a document may have once its aliases are written out: no config
has a tenth."""
_DEEP = "it is nested too deeply"
_FLOAT = re.compile(
    r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
)
_INT = re.compile(r"^[-+]?[0-9]+$")


class _Loader(yaml.SafeLoader):
    """PyYAML with the plain scalars of YAML 1.2.

    YAML 1.1, PyYAML's own, reads ``save_strategy: no`` as false, ``2e-4`` as a text and
    ``2026-01-01`` as a date: each a trap in a training config.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own protocol


class _Dumper(yaml.SafeDumper):
    """Writes texts so that readers of YAML 1.1 and of YAML 1.2 both see texts."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise yaml.constructor.ConstructorError(
                None, None, "a key must be a plain text", key_node.start_mark
            )
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} stands twice", key_node.start_mark
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    # YAML 1.1 reads 017 as an octal number.
    return int(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
for _tag, _pattern, _first in (
    ("bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))


def _represent_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # PyYAML writes these line breaks plain and then reads them back as spaces.
    style = '"' if any(character in value for character in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML that `parse_text` reads back unchanged."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def parse_text(text: str, name: str = "config") -> dict[str, Any]:
    """Read a YAML or JSON text.

    Parameters
    ----------
    text : str
        The document; a YAML reader reads JSON too.
    name : str
        Named as the place in findings.

    Raises
    ------
    FindingsError
        ``config.syntax`` with line and column, ``config.not_a_mapping``.
    """
    try:
        document = yaml.load(text, Loader=_Loader)
        size = _size(document, {}) if isinstance(document, dict) else 1
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise FindingsError(
            [finding("config.syntax", place, problem=error.problem or "not YAML")]
        ) from None
    except RecursionError:
        raise FindingsError([finding("config.syntax", name, problem=_DEEP)]) from None
    except (yaml.YAMLError, ValueError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FindingsError([finding("config.syntax", name, problem=problem)]) from None
    if size > _VALUES:
        # Ten lines of aliases to aliases stand for more values than memory holds.
        problem = f"it has more than {_VALUES} values, those of its aliases counted each time"
        raise FindingsError([finding("config.syntax", name, problem=problem)])
    return as_mapping(document, name)


def _size(value: Any, known: dict[int, int]) -> int:
    """Return how many values a value is made of; what is shared is counted as often as it stands.

    Of a long text each line's worth counts. Below a mapping PyYAML refuses what holds itself, so
    that this comes to an end.
    """
    if isinstance(value, str):
        return 1 + len(value) // 64
    if not isinstance(value, dict | list | tuple):
        return 1
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(value)]


def as_mapping(document: Any, name: str = "config") -> dict[str, Any]:
    """Return the document when it is a mapping.

    Raises
    ------
    FindingsError
        ``config.not_a_mapping``.
    """
    if not isinstance(document, Mapping):
        got = "nothing" if document is None else f"a {type(document).__name__}"
        raise FindingsError([finding("config.not_a_mapping", name, got=got)])
    return dict(document)


def read_document(path: str | Path) -> dict[str, Any]:
    """Read a config file, YAML or JSON.

    Raises
    ------
    FindingsError
        ``config.file_missing``, ``config.file_unreadable``, ``config.syntax``,
        ``config.not_a_mapping``.
    """
    place = Path(path)
    if not place.exists():
        raise FindingsError(
            [finding("config.file_missing", str(path), folder=str(place.parent.absolute()))]
        )
    if not place.is_file():
        raise FindingsError(
            [finding("config.file_unreadable", str(path), problem="it is not a file")]
        )
    try:
        if place.stat().st_size > _LIMIT:
            raise ValueError(f"it is larger than {_LIMIT >> 20} MiB")
        text = place.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        problem = reason_of(error)
        raise FindingsError(
            [finding("config.file_unreadable", str(path), problem=problem)]
        ) from None
    if place.suffix.lower() == ".json":
        return _parse_json(text, str(path))
    return parse_text(text, str(path))


def _parse_json(text: str, name: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"the key {key!r} stands twice")
            found[key] = value
        return found

    try:
        document = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise FindingsError([finding("config.syntax", place, problem=error.msg)]) from None
    except RecursionError:
        raise FindingsError([finding("config.syntax", name, problem=_DEEP)]) from None
    except ValueError as error:
        raise FindingsError([finding("config.syntax", name, problem=str(error))]) from None
    return as_mapping(document, name)
