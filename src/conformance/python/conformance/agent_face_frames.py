"""Rules 8 to 12: tables survive display, the conversion to Arrow and the export as JSON, whatever an API sends."""

import importlib.util
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from pydantic import TypeAdapter

from .agent_face_api import api_of
from .agent_face_subject import face_of, lists_of
from .model import Check, NotApplicable, Problem, Subject

_TABLES = 40
"""Tables of random values."""

_NESTED = (dict, list, tuple, set)


def _pandas(subject: Subject) -> Any:
    """Return pandas; only where there are operations that return tables."""
    if not len(face_of(subject.directory).operations.CONNECTORS):
        raise NotApplicable("The connector has no operation.")
    if importlib.util.find_spec("pandas") is None:
        raise NotApplicable("pandas, the optional extra, is not installed here.")
    return importlib.import_module("pandas")


def _cleaned(subject: Subject, frame: Any) -> Any:
    """Return what becomes of a frame that an operation makes its result of."""
    agent = face_of(subject.directory).agent
    return agent.Result.from_dataframe(frame, agent.Provenance()).to_dataframe()


def _export_problem(frame: Any) -> str | None:
    """Say why a frame can't be exported."""
    exports: list[Callable[[], Any]] = [lambda: json.loads(frame.to_json(orient="table"))]
    if importlib.util.find_spec("pyarrow") is not None:
        arrow = importlib.import_module("pyarrow")
        exports.append(lambda: arrow.Table.from_pandas(frame))
    for export in exports:
        try:
            export()
        except Exception as error:  # noqa: BLE001 - of whatever kind, the export failed
            return f"{type(error).__name__}: {error}"[:200]
    return None


def _cells(frame: Any, at: int) -> list[Any]:
    """Return the cells of a column that hold something."""
    return [cell for cell in frame.iloc[:, at].astype("object").tolist() if not _is_missing(cell)]


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, _NESTED) or hasattr(cell, "shape"):
        return False
    return cell is None or cell is importlib.import_module("pandas").NA or bool(cell != cell)  # noqa: PLR0124 - NaN


def _headers(subject: Subject) -> Iterator[Problem]:
    pandas = _pandas(subject)
    columns = pandas.MultiIndex.from_tuples(
        [("2024", "amount"), ("2024", "currency"), ("total", "")]
    )
    index = pandas.MultiIndex.from_tuples([("north", 1), ("south", 2)], names=["region", "quarter"])
    clean = _cleaned(
        subject, pandas.DataFrame([[1, "EUR", 3], [2, "USD", 4]], columns=columns, index=index)
    )
    if isinstance(clean.columns, pandas.MultiIndex) or not all(
        isinstance(name, str) for name in clean.columns
    ):
        yield Problem("A table with headers of several levels keeps them: join them to one text.")
        return
    names = list(clean.columns)
    if not any("2024" in name and "amount" in name for name in names) or any(
        "(" in name for name in names
    ):
        yield Problem(f"The levels of a header are not joined: {names}.")
    if (
        isinstance(clean.index, pandas.MultiIndex)
        or "region" not in names
        or "quarter" not in names
    ):
        yield Problem("An index of several levels becomes no columns.")
    if problem := _export_problem(clean):
        yield Problem(f"A table with headers of several levels can't be exported: {problem}")


def _unique(subject: Subject) -> Iterator[Problem]:
    pandas = _pandas(subject)
    clean = _cleaned(subject, pandas.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "a_2", "a"]))
    names = list(clean.columns)
    if len(set(names)) != len(names):
        yield Problem(f"Columns of one name keep it: {names}.")
        return
    if sorted(clean.iloc[0].tolist()) != [1, 2, 3, 4]:
        yield Problem("Of columns with one name, one overwrites the other.")
    for operation in lists_of(subject):
        api = api_of(subject)
        rows = [row for row in operation.fixture["rows"] if isinstance(row, dict)]
        api.rows[operation.name] = [{**row, "twice": {"a": 1}, "twice.a": 2} for row in rows]
        if not rows:
            continue
        row = api.ask(operation).rows[0]
        if sorted(value for name, value in row.items() if name.startswith("twice")) != [1, 2]:
            yield Problem(
                f"{operation.name}: a field twice.a and a nested one of that name become one column."
            )


def _one_type(subject: Subject) -> Iterator[Problem]:
    pandas = _pandas(subject)
    mixed: dict[str, list[Any]] = {
        "money": ["$1,234", 5.5, None],
        "flag": [True, "yes", 3],
        "number": [1, 2.5, None],
    }
    yield from _mixed_in("A table", _cleaned(subject, pandas.DataFrame(mixed, dtype="object")))
    for operation in lists_of(subject):
        api = api_of(subject)
        rows = [row for row in operation.fixture["rows"] if isinstance(row, dict)]
        api.rows[operation.name] = [
            {**row, **{name: values[at % 3] for name, values in mixed.items()}}
            for at, row in enumerate(rows)
        ]
        yield from _mixed_in(operation.name, api.ask(operation).to_dataframe())
    chance = random.Random(45)  # noqa: S311 - tables to try, no secrets
    for number in range(_TABLES):
        rows = [{name: _anything(chance) for name in "abc"} for _ in range(4)]
        clean = _cleaned(subject, pandas.DataFrame(rows, dtype="object"))
        problems = list(_mixed_in(f"A random table ({number})", clean))
        if problems:
            yield from problems
            return


def _anything(chance: random.Random, depth: int = 0) -> Any:
    values = [
        None,
        True,
        7,
        2**70,
        1.5,
        float("nan"),
        "text",
        "",
        date(2024, 1, 2),
        datetime(2024, 1, 2, tzinfo=UTC),
    ]
    if depth < 2 and chance.random() < 0.3:
        inner = [_anything(chance, depth + 1) for _ in range(2)]
        return chance.choice([inner, dict(zip("xy", inner, strict=True))])
    return chance.choice(values)


def _mixed_in(what: str, frame: Any) -> Iterator[Problem]:
    for at, name in enumerate(frame.columns):
        kinds = {type(cell) for cell in _cells(frame, at)}
        if len(kinds) > 1:
            words = ", ".join(sorted(kind.__name__ for kind in kinds))
            yield Problem(f"{what} has values of several types in {name}: {words}.")
            return
    if problem := _export_problem(frame):
        yield Problem(f"{what} can't be exported: {problem}")


def _nested(subject: Subject) -> Iterator[Problem]:
    pandas = _pandas(subject)
    nested = {"list": [1, {"deep": "ü"}], "object": {"key": ["a", None]}}
    clean = _cleaned(
        subject, pandas.DataFrame({name: [value, value] for name, value in nested.items()})
    )
    for name, value in nested.items():
        yield from _is_json("A table", clean[name].tolist()[0], value)
    for operation in lists_of(subject):
        api = api_of(subject)
        rows = [row for row in operation.fixture["rows"] if isinstance(row, dict)]
        if rows:
            api.rows[operation.name] = [{**row, "labels_of_row": nested["list"]} for row in rows]
            yield from _is_json(
                operation.name, api.ask(operation).rows[0].get("labels_of_row"), nested["list"]
            )


def _is_json(what: str, cell: Any, value: Any) -> Iterator[Problem]:
    try:
        same = json.loads(cell) == value
    except (TypeError, ValueError):
        same = False
    if not same:
        yield Problem(
            f"{what} shows a nested value as {cell!r:.100}, not as JSON that can be read back."
        )


def _times(subject: Subject) -> Iterator[Problem]:
    pandas = _pandas(subject)
    # Pydantic gives such a time a zone of its own kind, which pandas can't write.
    aware = TypeAdapter(datetime).validate_python("2024-01-02T03:04:05+02:00")
    frame = pandas.DataFrame(
        {
            "pydantic": [aware, None],
            "pandas": pandas.to_datetime(["2024-01-02T03:04:05Z", None]),
            "day": [date(2024, 1, 2), None],
        }
    )
    clean = _cleaned(subject, frame)
    for at, name in enumerate(clean.columns):
        for cell in _cells(clean, at):
            try:
                is_iso = isinstance(cell, str) and datetime.fromisoformat(cell).date() == date(
                    2024, 1, 2
                )
            except ValueError:
                is_iso = False
            if not is_iso:
                yield Problem(f"A time in {name} is shown as {cell!r}, not as ISO text.")
    if problem := _export_problem(clean):
        yield Problem(f"A table with times can't be exported: {problem}")


CHECKS = [
    Check(
        "agent.headers-are-flat",
        "agent",
        "Headers of several levels become one text each.",
        _headers,
        (8,),
    ),
    Check(
        "agent.column-names-are-unique",
        "agent",
        "No two columns have one name, and none overwrites another.",
        _unique,
        (9,),
    ),
    Check(
        "agent.columns-have-one-type",
        "agent",
        "The values of a column have one type, and export.",
        _one_type,
        (10,),
    ),
    Check(
        "agent.nested-cells-are-json",
        "agent",
        "Nested values in cells are JSON text.",
        _nested,
        (11,),
    ),
    Check("agent.times-are-iso-text", "agent", "Times are ISO text.", _times, (12,)),
]
