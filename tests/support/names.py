"""Names that a program uses and nobody defines, by the compiler's own symbol tables."""

from __future__ import annotations

import builtins
import symtable
from collections.abc import Iterator


def undefined_names(source: str) -> set[str]:
    """Names that are read somewhere in `source` and are neither defined there nor built in."""
    top = symtable.symtable(source, "notebook", "exec")
    defined = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or table is top)
    }
    return used - defined - set(dir(builtins)) - {"__name__", "__file__"}


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
