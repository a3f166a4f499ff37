"""What a stream is made of. The streams themselves are listed in `streams.py`."""

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

from .client import Scalar
from .paging import Paging
from .utils import FieldPath

# <feature parameters>
Location = Literal["path", "query", "header", "cookie", "body"]
# </feature>
# <feature incremental>
TimeFormat = Literal["date_time", "date", "unix_seconds", "unix_milliseconds", "integer", "string"]
# </feature>
# <feature parents>

Partition = dict[str, Scalar]
"""The path values that a child stream is read for; empty for a stream without parent."""
# </feature>


# <feature parameters>


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A request parameter that stays the same throughout a read: a constant, or a config property."""

    name: str
    location: Location = "query"
    value: Scalar | dict[str, Any] | list[Any] | None = None
    config_key: str | None = None
# </feature>
# <feature parents>


@dataclass(frozen=True, kw_only=True)
class PartitionKey:
    """A path parameter of a child stream and where its value comes from.

    `field` is looked up in the parent's row, `inherited` among the parent's own partition keys. The value is
    added to the child's rows as `column`.
    """

    parameter: str
    column: str
    field: FieldPath | None = None
    inherited: str | None = None
    # <feature parents.quoted>
    quote: str | None = None
    """Character that encloses the value in the request, doubled where the value itself holds it."""

    def sent(self, value: Scalar) -> Scalar:
        """Return the value as the request has it."""
        if self.quote is None:
            return value
        return self.quote + str(value).replace(self.quote, self.quote * 2) + self.quote
    # </feature>


# <feature parents.recursive>
@dataclass(frozen=True, kw_only=True)
class Recursion:
    """How rows of a stream that have rows of the same kind below them fill its parameter.

    `flag` is the field that says whether a row has any; without one each row is asked.
    """

    parameter: str
    field: FieldPath
    flag: FieldPath | None = None


# </feature>
@dataclass(frozen=True, kw_only=True)
class Parent:
    """The stream whose rows a child stream is read for, once for each."""

    stream: str
    keys: tuple[PartitionKey, ...]
    # <feature parents.recursive>
    recursion: Recursion | None = None
    # </feature>
# </feature>
# <feature incremental>


@dataclass(frozen=True, kw_only=True)
class Incremental:
    """How to read only what changed. Without `param` rows are filtered here, not by the API."""

    cursor_field: FieldPath
    cursor_format: TimeFormat
    # <feature incremental.param>
    param: str | None = None
    param_format: TimeFormat = "date_time"
    # </feature>
    # <feature incremental.strict>
    param_is_strict: bool = False
    # </feature>
    # <feature incremental.end>
    end_param: str | None = None
    max_window_days: float | None = None
    # </feature>

    required: bool = False

    @property
    def name(self) -> str:
        """Return the cursor field as it is named in the state."""
        return ".".join(self.cursor_field)
# </feature>


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One kind of record and how to read it."""

    name: str
    path: str
    # <feature post>
    method: Literal["GET", "POST"] = "GET"
    # </feature>
    record_path: FieldPath = ()
    shape: Literal["list", "map", "single", "table"] = "list"
    primary_key: tuple[FieldPath, ...] = ()
    paging: Paging = field(default_factory=Paging)
    # <feature parameters>
    parameters: tuple[Parameter, ...] = ()
    # </feature>
    # <feature parents>
    parent: Parent | None = None
    # </feature>
    # <feature incremental>
    incremental: Incremental | None = None
    # </feature>
    # <feature resumable>
    is_resumable: bool = False
    """Whether a full read that broke off can go on at the page that it had reached."""
    # </feature>

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of a record."""
        text = (files(__package__) / "schemas" / f"{self.name}.json").read_text(encoding="utf-8")
        schema: dict[str, Any] = json.loads(text)
        return schema
