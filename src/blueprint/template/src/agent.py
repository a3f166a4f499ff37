"""What the operations for language models are made of: `@connector`, results, provenance.

An operation is one async function with its own parameter model. Decorated, it becomes a `Connector`:
it checks its parameters, runs, and stamps where its result came from. `Connectors` is an ordered set
of them. It hands over credentials (`bind_deps`) and describes them all to a model (`to_llm`).
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel

from .agent_text import parameter_lines
from .tables import (
    DataFrame,
    Row,
    find_pandas,
    flat_rows,
    rows_to_dataframe,
    sanitize_dataframe,
    summarise_wide_row,
)

#: Under `python -OO` no function has a docstring.
_DOCSTRINGS_STRIPPED = 2

ResultType = Literal["dataframe", "text"]


class ColumnRole(StrEnum):
    """What a column is for: KEY identifies a row for the next call, TITLE names it for people."""

    KEY = "KEY"
    TITLE = "TITLE"
    DATA = "DATA"
    METADATA = "METADATA"


@dataclass(frozen=True)
class Column:
    """One column of a table that an operation returns."""

    name: str
    dtype: str = "string"
    role: ColumnRole = ColumnRole.DATA
    description: str = ""


@dataclass(frozen=True)
class Provenance:
    """Where a result came from. `params` are those of the call and never hold a secret."""

    source: str = ""
    source_description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    fetched_at: datetime | None = None
    title: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputConfig:
    """The columns that a table result is known to have. A KEY goes with exactly one TITLE."""

    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"OutputConfig names a column twice: {names}")
        titles = sum(column.role is ColumnRole.TITLE for column in self.columns)
        others = sum(column.role is not ColumnRole.KEY for column in self.columns)
        if titles > 1 or (len(names) > others > 0 and titles != 1):
            raise ValueError(
                "An OutputConfig with a KEY column and others needs exactly one TITLE column"
            )

    def build_table_result(self, records: Any, provenance: Provenance) -> Result:
        """Return a table of records, nested as the API sent them, or of a DataFrame.

        Configured columns stand first. Those that the data does not have are not dropped silently:
        `provenance.properties` lists them as `missing_columns`.
        """
        whole = {column.name for column in self.columns if column.dtype == "json"}
        rows = _rows_of(records, whole)
        present = list(rows[0]) if rows else []
        known = [column for column in self.columns if column.name in present or not rows]
        missing = [column.name for column in self.columns if column not in known]
        order = [column.name for column in known] + [
            name for name in present if name not in {column.name for column in known}
        ]
        rows = [{name: row[name] for name in order} for row in rows]
        properties = dict(provenance.properties)
        if missing:
            properties["missing_columns"] = missing
        if len(rows) == 1:
            summary = summarise_wide_row(rows[0], [column.name for column in known])
            if summary is not rows[0]:
                properties["summary_of_columns"] = len(rows[0])
                rows, order = [summary], list(summary)
        roles = {column.name: column for column in known}
        columns = [roles.get(name, Column(name, _dtype(rows, name))) for name in order]
        schema = OutputConfig(_titled(columns))
        pandas = find_pandas()
        data = rows if pandas is None else rows_to_dataframe(rows, order)
        return Result(data, replace(provenance, properties=properties), schema)


def _titled(columns: list[Column]) -> tuple[Column, ...]:
    """Return the columns, one of them as the title where a key is there and the title itself is not."""
    others = [column for column in columns if column.role is not ColumnRole.KEY]
    if len(others) in (0, len(columns)) or any(one.role is ColumnRole.TITLE for one in others):
        return tuple(columns)
    texts = [column for column in others if column.dtype == "string"]
    title = (texts or others)[0]
    return tuple(
        replace(column, role=ColumnRole.TITLE) if column is title else column for column in columns
    )


@dataclass(frozen=True)
class Result:
    """What an operation returns: a DataFrame (without pandas, plain rows) or a text in `data`."""

    data: Any
    provenance: Provenance
    output_schema: OutputConfig | None = None

    @property
    def row_count(self) -> int:
        """Rows in `data`; a text counts as one."""
        return 1 if isinstance(self.data, str) else len(self.data)

    @property
    def rows(self) -> list[Row]:
        """The table as plain rows, with or without pandas; a text as one row, column `text`."""
        return _rows_of([{"text": self.data}] if isinstance(self.data, str) else self.data)

    def to_dataframe(self) -> DataFrame:
        """Return the table as a DataFrame; raises PandasMissingError without pandas."""
        if isinstance(self.data, (str, list)):
            columns = (
                [column.name for column in self.output_schema.columns] if self.output_schema else []
            )
            return rows_to_dataframe(self.rows, columns)
        return self.data

    @classmethod
    def from_dataframe(
        cls, frame: DataFrame, provenance: Provenance, output_schema: OutputConfig | None = None
    ) -> Result:
        """Make a result of any DataFrame, which is made safe to serialise."""
        return cls(sanitize_dataframe(frame), provenance, output_schema)


def _rows_of(records: Any, whole: Collection[str] = ()) -> list[Row]:
    if hasattr(records, "to_dict") and hasattr(records, "columns"):
        records = _dataframe_rows(sanitize_dataframe(records))
    return flat_rows(records, whole)


def _dataframe_rows(frame: DataFrame) -> list[Row]:
    pandas_missing = frame.isna()
    names = list(frame.columns)
    return [
        {name: None if gaps[at] else cells[at] for at, name in enumerate(names)}
        for cells, gaps in zip(
            frame.astype("object").itertuples(index=False, name=None),
            pandas_missing.itertuples(index=False, name=None),
            strict=True,
        )
    ]


def _dtype(rows: Sequence[Row], name: str) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return next(
        (kinds.get(type(row[name]), "string") for row in rows if row[name] is not None), "string"
    )


def _column_text(column: Column) -> str:
    role = "" if column.role is ColumnRole.DATA else f", {column.role.value}"
    return f"{column.name} ({column.dtype}{role})"


# ------------------------------------------------------------------------------------ operations

OperationFunction = Callable[..., Awaitable[Result]]


@dataclass(frozen=True)
class Connector:
    """One operation: call it with its parameter model, a mapping or keywords."""

    name: str
    description: str
    params: type[BaseModel]
    function: OperationFunction = field(repr=False)
    output: OutputConfig | None = None
    result_type: ResultType = "dataframe"
    tags: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    #: Those of the dependencies without which it can't run.
    needs: tuple[str, ...] = ()
    #: What `bind_deps` handed over. Never shown, since it may hold credentials.
    bound: Mapping[str, Any] = field(default_factory=dict, repr=False)

    async def __call__(
        self, params: BaseModel | Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> Result:
        """Run the operation. Keywords that name a dependency bind it for this call alone."""
        given = {name: keywords.pop(name) for name in self.dependencies if name in keywords}
        dependencies = {**self.bound, **given}
        missing = [name for name in self.needs if name not in dependencies]
        if missing:
            raise TypeError(
                f"{self.name} needs {', '.join(missing)}: bind it with bind_deps({missing[0]}=…)"
            )
        result = await self.function(self._checked(params, keywords), **dependencies)
        if (self.result_type == "text") != isinstance(result.data, str):
            raise TypeError(
                f"{self.name} declares a {self.result_type} result and returned {type(result.data)}"
            )
        provenance = replace(
            result.provenance,
            source=self.name,
            source_description=self.description,
            fetched_at=result.provenance.fetched_at or datetime.now(UTC),
        )
        return replace(result, provenance=provenance)

    def _checked(
        self, params: BaseModel | Mapping[str, Any] | None, keywords: Mapping[str, Any]
    ) -> BaseModel:
        if isinstance(params, BaseModel):
            if not isinstance(params, self.params):
                raise TypeError(
                    f"{self.name} takes {self.params.__name__}, not {type(params).__name__}"
                )
            if keywords:
                raise TypeError(
                    f"{self.name} takes either its parameter model or keywords, not both"
                )
            return params
        return self.params.model_validate({**(params or {}), **keywords})

    def bind_deps(self, **dependencies: Any) -> Connector:
        """Return the operation with what it needs besides its parameters, such as credentials."""
        unknown = [name for name in dependencies if name not in self.dependencies]
        if unknown:
            raise TypeError(f"{self.name} has no dependency named {', '.join(unknown)}")
        return replace(self, bound={**self.bound, **dependencies})

    def to_llm(self) -> str:
        """Describe the operation to a model: docstring, what it returns, its parameters."""
        lines = [f"### {self.name}", "", self.description, ""]
        if self.output is not None and self.output.columns:
            lines.append(
                "Returns: " + ", ".join(_column_text(column) for column in self.output.columns)
            )
        if self.result_type == "text":
            lines.append("-> result.data is text (not a DataFrame).")
        lines.extend(parameter_lines(self.params))
        return "\n".join(lines).rstrip()


def connector(
    *,
    name: str | None = None,
    description: str | None = None,
    params: type[BaseModel] | None = None,
    output: OutputConfig | None = None,
    result_type: ResultType = "dataframe",
    tags: Iterable[str] = (),
    properties: Mapping[str, Any] | None = None,
) -> Callable[[OperationFunction], Connector]:
    """Make `async def f(params, *, dependency…)` an operation; a model reads its docstring."""

    def decorate(function: OperationFunction) -> Connector:
        own_name = name if name is not None else getattr(function, "__name__", "")
        text = description if description is not None else inspect.getdoc(function)
        if not text and sys.flags.optimize < _DOCSTRINGS_STRIPPED:
            raise TypeError(
                f"{own_name} has no docstring, and so nothing that tells a model when to use it"
            )
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{own_name} is not an async function")
        arguments = list(inspect.signature(function).parameters.values())
        model = params if params is not None else _model_of(function, arguments[0].name)
        keywords = [
            argument for argument in arguments[1:] if argument.kind is argument.KEYWORD_ONLY
        ]
        return Connector(
            name=own_name,
            description=text or own_name,
            params=model,
            function=function,
            output=output,
            result_type=result_type,
            tags=tuple(tags),
            properties=dict(properties or {}),
            dependencies=tuple(argument.name for argument in keywords),
            needs=tuple(
                argument.name for argument in keywords if argument.default is argument.empty
            ),
        )

    return decorate


def _model_of(function: OperationFunction, argument: str) -> type[BaseModel]:
    model = typing.get_type_hints(function).get(argument)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(
            f"The first argument of {function!r} must be annotated with a pydantic model"
        )
    return model


class Connectors:
    """An ordered set of operations with unique names."""

    def __init__(self, operations: Iterable[Connector] = ()) -> None:
        self._operations: dict[str, Connector] = {}
        for operation in operations:
            if operation.name in self._operations:
                raise ValueError(f"Two operations are named {operation.name}")
            self._operations[operation.name] = operation

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return list(self._operations)

    def get(self, name: str) -> Connector | None:
        """Return the operation of that name, or None."""
        return self._operations.get(name)

    def __getitem__(self, name: str) -> Connector:
        if name not in self._operations:
            raise KeyError(f"No operation named {name}; there are: {', '.join(self.names)}")
        return self._operations[name]

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._operations.values())

    def __len__(self) -> int:
        return len(self._operations)

    def __contains__(self, name: object) -> bool:
        return name in self._operations

    def __add__(self, other: Connectors | Connector) -> Connectors:
        return Connectors([*self, *([other] if isinstance(other, Connector) else other)])

    def __repr__(self) -> str:
        return f"Connectors({self.names})"

    def bind_deps(self, **dependencies: Any) -> Connectors:
        """Return the same operations, each with those of the dependencies that it takes."""
        known = {name for operation in self for name in operation.dependencies}
        unknown = [name for name in dependencies if self._operations and name not in known]
        if unknown:
            raise TypeError(f"No operation here has a dependency named {', '.join(unknown)}")
        return Connectors(
            operation.bind_deps(
                **{
                    name: dependencies[name]
                    for name in operation.dependencies
                    if name in dependencies
                }
            )
            for operation in self
        )

    def filter(self, *, tags: Iterable[str] = (), name: str = "", **properties: Any) -> Connectors:
        """Return those that carry every tag, have `name` in their name and these properties."""
        wanted = set(tags)
        return Connectors(
            operation
            for operation in self
            if wanted <= set(operation.tags)
            and name in operation.name
            and all(operation.properties.get(key) == value for key, value in properties.items())
        )

    def to_llm(self) -> str:
        """Describe all operations to a model."""
        return "\n\n".join(operation.to_llm() for operation in self)
