"""How an operation for a language model asks the API: as many pages as its limit needs.

Every failure is a ValueError whose message tells the model what to do next. None of them chains the
original exception, which may show the request.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel

from .agent import Connector, OutputConfig, Provenance, Result
from .client import ApiClient, Params, Scalar
from .config import Config
from .errors import ApiError, ConnectorError, RateLimitedError
from .limits import LONGEST_WAIT
from .matrix import is_empty_table, rows_of_matrix
from .pages import Request, read_pages
from .paging import Paging
from .utils import FieldPath


class OperationError(ValueError):
    """The API did not answer as asked. `status` is that of its answer, where there was one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class EmptyResultError(OperationError):
    """Nothing matched: the parameters are to be changed, the API itself works."""


@dataclass(frozen=True)
class RowsAt:
    """Where rows stand in a body; `*` stands for every element of a list or value of a map."""

    path: FieldPath = ()
    #: The value at the path is a map of rows rather than a list of them.
    is_map: bool = False
    # <feature operations.table>
    #: The value at the path is a list of lists, of which the first names the columns.
    is_table: bool = False
    # </feature>

    def __call__(self, body: Any) -> list[Any]:
        """Return the rows.

        A body without the path is most often a failure that was answered with status 200: it raises.
        """
        rows: list[Any] = []
        # <feature operations.table>
        if self.is_table:
            return self._rows_of_table(body)
        # </feature>
        for value in _at(body, self.path):
            if self.is_map and isinstance(value, Mapping):
                rows.extend({"_key": key, **_as_object(row)} for key, row in value.items())
            else:
                rows.extend(value if isinstance(value, list) else [value])
        return [row for row in rows if row is not None]
    # <feature operations.table>

    def _rows_of_table(self, body: Any) -> list[Any]:
        rows: list[Any] = []
        *above, key = self.path or ("",)
        for holder in _at(body, tuple(above)):
            if self.path and is_empty_table(holder, key):
                continue
            for matrix in _at(holder, self.path[-1:]):
                if not isinstance(matrix, list):
                    raise ApiError(f"The answer has no table, but {type(matrix).__name__}.")
                rows.extend(rows_of_matrix(matrix))
        return rows
    # </feature>


async def fetch_table(
    client: ApiClient | None,
    request: Request,
    params: BaseModel,
    output: OutputConfig,
    *,
    rows_at: RowsAt = RowsAt(),
    paging: Paging | None = None,
    limit: int | None = None,
    is_search: bool = False,
) -> Result:
    """Return up to `limit` rows over all pages as a table; without a limit, one record.

    Finding nothing is an error for a search, for filters that were given, and for a single record.
    """
    failure: OperationError
    async with _opened(client) as session:
        shown = shown_params(session, params)
        try:
            rows, properties = await _rows(session, request, rows_at, paging, limit)
        except ConnectorError as error:
            failure = _worded(error, shown)
        else:
            if rows or not (limit is None or is_search or _has_filters(params)):
                provenance = Provenance(params=shown, properties=properties)
                return output.build_table_result(rows, provenance)
            failure = EmptyResultError(
                f"Nothing found with {_listed(shown)}. Change them and try again."
            )
    raise failure


async def fetch_text(client: ApiClient | None, request: Request, params: BaseModel) -> Result:
    """Return the answer's body as text."""
    failure: OperationError
    async with _opened(client) as session:
        shown = shown_params(session, params)
        try:
            url = session.url_for(request.path, request.path_params, request.params)
            answer = await session.fetch(
                request.method, url, headers=request.headers, body=request.body, parse=None
            )
        except ConnectorError as error:
            failure = _worded(error, shown)
        else:
            text = answer.content.decode("utf-8", errors="replace")
            return Result(text, Provenance(params=shown))
    raise failure


@asynccontextmanager
async def _opened(client: ApiClient | None) -> AsyncIterator[ApiClient]:
    """Hand on the bound client, or for an API that is open to all one for this call."""
    if client is not None:
        yield client
        return
    async with ApiClient(Config.model_validate({})) as own:
        yield own


async def _rows(
    client: ApiClient,
    request: Request,
    rows_at: RowsAt,
    paging: Paging | None,
    limit: int | None,
) -> tuple[list[Any], dict[str, Any]]:
    """Return rows, and what is worth knowing about how they were read."""
    rows: list[Any] = []
    pages = 0
    async for page in read_pages(client, request, paging or Paging(), rows_at):
        rows.extend(page)
        pages += 1
        if limit is None:
            return rows, {}
        if len(rows) >= limit:
            break
    most = limit or 0
    # What was cut off, or a page that was not asked for, may hold more.
    complete = len(rows) < most or (paging is None and len(rows) == most)
    return rows[:most], {"pages": pages, "complete": complete}


def _has_filters(params: BaseModel) -> bool:
    """Tell whether any optional parameter that narrows a list was given."""
    fields = type(params).model_fields
    return any(
        fields[name].default is None and getattr(params, name) is not None
        for name in params.model_fields_set
        if not fields[name].is_required()
    )


def _as_object(row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else {"value": row}


def _at(value: Any, path: FieldPath) -> Iterator[Any]:
    if value is None or (value == {} and path):
        return
    if not path:
        yield value
        return
    key, *rest = path
    if key == "*":
        members = value.values() if isinstance(value, Mapping) else value
        for member in members if isinstance(members, Iterable) else ():
            yield from _at(member, tuple(rest))
    elif isinstance(value, Mapping) and key in value:
        yield from _at(value[key], tuple(rest))
    else:
        found = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
        raise ApiError(f"The answer has no {key} where rows should be, but {found[:200]}.")


def answered(operation: Connector, config: Config) -> dict[str, Any]:
    """Return the parameters that the configuration answers where a caller does not."""
    named = operation.properties.get("settings", {})
    values = {name: getattr(config, key, None) for name, key in named.items()}
    return {name: value for name, value in values.items() if value is not None}


# ------------------------------------------------------------------------------------- values


def joined(values: list[Any]) -> str:
    """Join several values for one place of a path by commas."""
    return ",".join(str(value) for value in values)


# <feature operations.quoted>
def quoted(mark: str, value: Any) -> str:
    """Enclose a value in marks, doubled where it holds them itself."""
    return mark + str(value).replace(mark, mark * 2) + mark


# </feature>
def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return header values as text, without those that are not given."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def cookies(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a `Cookie` header, if any value is given."""
    given = texts(values)
    return (
        {"Cookie": "; ".join(f"{name}={value}" for name, value in given.items())} if given else {}
    )


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request body without what is not given."""
    return {name: value for name, value in values.items() if value is not None}


def deep(name: str, values: Mapping[str, Any] | None) -> Params:
    """Spread an object over the query: `filter[status]=open`."""
    flat: dict[str, Scalar | list[Any] | None] = {}
    for key, value in (values or {}).items():
        flat[f"{name}[{key}]"] = (
            value if isinstance(value, (list, bool, int, float)) else str(value)
        )
    return flat


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return joined(value) if isinstance(value, list) else str(value)


# -------------------------------------------------------------------------------------- words


def shown_params(client: ApiClient, params: BaseModel) -> dict[str, Any]:
    """Return the parameters as provenance shows them: no secret, nothing left out."""
    dumped = params.model_dump(mode="json", exclude_none=True)
    return {name: _redacted(client, value) for name, value in dumped.items()}


def _redacted(client: ApiClient, value: Any) -> Any:
    if isinstance(value, str):
        return client.redact(value)
    if isinstance(value, list):
        return [_redacted(client, item) for item in value]
    if isinstance(value, dict):
        return {key: _redacted(client, item) for key, item in value.items()}
    return value


def _listed(shown: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in shown.items()) or "no parameters"


def _worded(error: ConnectorError, shown: Mapping[str, Any]) -> OperationError:
    """Say what failed and what a model should do about it."""
    advice = ""
    if isinstance(error, RateLimitedError):
        quota = error.retry_after is not None and error.retry_after > LONGEST_WAIT
        advice = (
            " Quota exhausted: calling again now is of no use, use another source or wait."
            if quota
            else " It was retried already: do something else before calling again."
        )
    elif error.status == httpx.codes.FORBIDDEN:
        advice = " Calling again with other parameters of the same kind will not help."
    elif error.status == httpx.codes.NOT_FOUND:
        advice = f" There is nothing with {_listed(shown)}: check the identifiers."
    elif error.status in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY):
        advice = f" The API refused {_listed(shown)}: change them."
    return OperationError(f"{error.message}{advice}", status=error.status)
