"""Writes ``datasets/text_to_sql.jsonl``: questions and queries composed by a small closed grammar.

Run it from anywhere: ``python examples/make_datasets.py``. It gives the same bytes every time. The
words and values come from ``datasets/text_to_sql.sql``; a query that finds nothing there is left
out, so that no answer of the dataset is an empty table. The other datasets are written by hand.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

DATASETS = Path(__file__).parent / "datasets"
PER_TEMPLATE = 9


@dataclass(frozen=True)
class Table:
    """A table as people speak about it."""

    name: str
    one: str
    key: str
    groups: tuple[str, ...]
    numbers: dict[str, tuple[int, ...]]
    """Numeric columns, with the limits that questions compare them to."""


TABLES = (
    Table(
        name="books",
        one="book",
        key="title",
        groups=("author", "genre"),
        numbers={"price": (10, 15, 20), "year": (2005, 2010, 2015)},
    ),
    Table(
        name="employees",
        one="employee",
        key="name",
        groups=("department", "city"),
        numbers={"salary": (3000, 4000, 5000), "age": (30, 40, 50)},
    ),
    Table(
        name="products",
        one="product",
        key="name",
        groups=("category",),
        numbers={"price": (10, 20, 30), "stock": (10, 20, 50)},
    ),
    Table(
        name="flights",
        one="flight",
        key="number",
        groups=("origin", "destination"),
        numbers={"duration": (120, 150, 200), "price": (100, 150, 200)},
    ),
    Table(
        name="students",
        one="student",
        key="name",
        groups=("course",),
        numbers={"grade": (60, 75, 90), "height": (165, 170, 180)},
    ),
)
# table, its column, the other table and its key, the other table's column, the question
JOINS = (
    ("books", "author", "authors", "country", "Which books have an author from {value}?"),
    ("employees", "department", "departments", "floor", "Which employees work on floor {value}?"),
    ("students", "course", "courses", "teacher", "Which students take a course taught by {value}?"),
)


def open_database() -> sqlite3.Connection:
    """Return the example tables in memory."""
    connection = sqlite3.connect(":memory:")
    connection.executescript((DATASETS / "text_to_sql.sql").read_text(encoding="utf-8"))
    return connection


def literal(value: object) -> str:
    """Write a value as SQL does; none of ours holds a quote."""
    return f"'{value}'" if isinstance(value, str) else str(value)


def article(word: str) -> str:
    """Return the indefinite article that goes before a word."""
    return "an" if word[0] in "aeiou" else "a"


def values_of(database: sqlite3.Connection, table: str, column: str) -> list[object]:
    """Return the different values of a column, sorted."""
    query = f"SELECT DISTINCT {column} FROM {table} ORDER BY {column}"
    return [value for (value,) in database.execute(query)]


def describe(database: sqlite3.Connection, *tables: str) -> str:
    """Return what the model is told of the tables: ``books(title, author, ...)``."""
    told = []
    for table in tables:
        columns = ", ".join(row[1] for row in database.execute(f"PRAGMA table_info({table})"))
        told.append(f"{table}({columns})")
    return " ".join(told)


def of_whole_table(table: Table) -> Iterator[tuple[str, str, str]]:
    """Yield (template, question, query) about all rows of one table."""
    name, one, key = table.name, table.one, table.key
    yield "count", f"How many {name} are there?", f"SELECT COUNT(*) FROM {name};"
    yield "list", f"List the {key} of every {one}.", f"SELECT {key} FROM {name};"
    for number in table.numbers:
        yield (
            "average",
            f"What is the average {number} of all {name}?",
            f"SELECT AVG({number}) FROM {name};",
        )
        for word, function, order in (("highest", "MAX", "DESC"), ("lowest", "MIN", "ASC")):
            yield (
                "extreme",
                f"What is the {word} {number} of all {name}?",
                f"SELECT {function}({number}) FROM {name};",
            )
            yield (
                "top",
                f"Which {one} has the {word} {number}?",
                f"SELECT {key} FROM {name} ORDER BY {number} {order} LIMIT 1;",
            )
            yield (
                "top three",
                f"Which three {name} have the {word} {number}?",
                f"SELECT {key} FROM {name} ORDER BY {number} {order} LIMIT 3;",
            )
            yield (
                "sort",
                f"Sort the {name} by {number}, {word} first.",
                f"SELECT {key} FROM {name} ORDER BY {number} {order};",
            )
    for group in table.groups:
        yield (
            "distinct",
            f"List the different {group} values of the {name}.",
            f"SELECT DISTINCT {group} FROM {name};",
        )
        yield (
            "count by group",
            f"How many {name} are there for each {group}?",
            f"SELECT {group}, COUNT(*) FROM {name} GROUP BY {group};",
        )
        for limit in (1, 2):
            yield (
                "having",
                f"Which {group} values have more than {limit} {name if limit > 1 else one}?",
                f"SELECT {group} FROM {name} GROUP BY {group} HAVING COUNT(*) > {limit};",
            )
        for number in table.numbers:
            yield (
                "average by group",
                f"What is the average {number} of the {name} for each {group}?",
                f"SELECT {group}, AVG({number}) FROM {name} GROUP BY {group};",
            )


def of_some_rows(database: sqlite3.Connection, table: Table) -> Iterator[tuple[str, str, str]]:
    """Yield (template, question, query) about the rows that meet a condition."""
    name, key = table.name, table.key
    limits = [
        (number, limit, *comparison)
        for number in table.numbers
        for limit, comparison in product(table.numbers[number], (("above", ">"), ("below", "<")))
    ]
    for number, limit, word, sign in limits:
        where = f"FROM {name} WHERE {number} {sign} {limit}"
        yield (
            "count if",
            f"How many {name} have {article(number)} {number} {word} {limit}?",
            f"SELECT COUNT(*) {where};",
        )
        yield (
            "list if",
            f"Which {name} have {article(number)} {number} {word} {limit}?",
            f"SELECT {key} {where};",
        )
    for group in table.groups:
        for value in values_of(database, name, group):
            where = f"FROM {name} WHERE {group} = {literal(value)}"
            yield (
                "count of",
                f"How many {name} have the {group} {value}?",
                f"SELECT COUNT(*) {where};",
            )
            yield "list of", f"Which {name} have the {group} {value}?", f"SELECT {key} {where};"
            for number, limit, word, sign in limits:
                measure = f"{article(number)} {number} {word} {limit}"
                yield (
                    "both",
                    f"Which {name} with the {group} {value} have {measure}?",
                    f"SELECT {key} {where} AND {number} {sign} {limit};",
                )


def of_two_tables(database: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """Yield (schema, question, query) that need a join."""
    keys = {table.name: table.key for table in TABLES}
    for name, column, other, wanted, question in JOINS:
        for value in values_of(database, other, wanted):
            query = (
                f"SELECT {name}.{keys[name]} FROM {name} JOIN {other} "
                f"ON {name}.{column} = {other}.name WHERE {other}.{wanted} = {literal(value)};"
            )
            yield describe(database, name, other), question.format(value=value), query


def text_to_sql() -> list[dict[str, str]]:
    """Return the rows: at most `PER_TEMPLATE` of each kind of question, mixed."""
    database = open_database()
    kinds: dict[str, list[tuple[str, str, str]]] = {}
    for table in TABLES:
        schema = describe(database, table.name)
        for kind, question, query in [*of_whole_table(table), *of_some_rows(database, table)]:
            kinds.setdefault(kind, []).append((schema, question, query))
    kinds["join"] = list(of_two_tables(database))
    rng = random.Random("text to sql")
    chosen = []
    for members in kinds.values():
        useful = [
            item for item in members if database.execute(item[2]).fetchall() not in ([], [(0,)])
        ]
        chosen += rng.sample(useful, min(PER_TEMPLATE, len(useful)))
    rng.shuffle(chosen)
    return [
        {"prompt": f"Tables: {schema}\nQuestion: {question}\nSQL:", "completion": f" {query}"}
        for schema, question, query in chosen
    ]


def main() -> None:
    """Write the dataset beside its tables."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in text_to_sql()]
    path = DATASETS / "text_to_sql.jsonl"
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
    print(f"{path.name}: {len(lines)} rows")


if __name__ == "__main__":
    main()
