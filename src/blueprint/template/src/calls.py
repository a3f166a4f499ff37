"""How an operation for a language model asks the API: as many pages as its limit needs.

Every failure is a ValueError whose message tells the model what to do next. None of them chains the
original exception, which may show the request.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel

from .agent import OutputConfig, Provenance, Result
from .client import LONGEST_WAIT, ApiClient, Params, Scalar
from .config import Config
from .errors import ConnectorError, RateLimitedError
from .paging import Paging, Request, read_pages
from .utils import FieldPath


class OperationError(ValueError):
    """The API did not answer as asked. `status` is that of its answer, where there was one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class EmptyResultError(OperationError):
    """Nothing matched: the parameters are to be changed, the API itself works."""


async def fetch_table(
    client: ApiClient | None,
    request: Request,
    params: BaseModel,
    output: OutputConfig,
    *,
    record_path: FieldPath = (),
    paging: Paging | None = None,
    limit: int | None = None,
    empty_is_error: bool = False,
) -> Result:
    """Return up to `limit` rows over all pages as a table; without a limit, one record."""
    if client is None:
        async with ApiClient(Config.model_validate({})) as own:
            return await fetch_table(
                own,
                request,
                params,
                output,
                record_path=record_path,
                paging=paging,
                limit=limit,
                empty_is_error=empty_is_error,
            )
    shown = shown_params(client, params)
    failure: OperationError
    try:
        rows, properties = await _rows(client, request, record_path, paging, limit)
    except ConnectorError as error:
        failure = _worded(error, shown)
    else:
        if rows or (limit is not None and not empty_is_error):
            provenance = Provenance(params=shown, properties=properties)
            return output.build_table_result(rows, provenance)
        failure = EmptyResultError(
            f"Nothing found with {_listed(shown)}. Change them and try again."
        )
    raise failure


async def fetch_text(client: ApiClient | None, request: Request, params: BaseModel) -> Result:
    """Return the answer's body as text."""
    if client is None:
        async with ApiClient(Config.model_validate({})) as own:
            return await fetch_text(own, request, params)
    shown = shown_params(client, params)
    failure: OperationError
    try:
        url = client.url_for(request.path, request.path_params, request.params)
        answer = await client.fetch(
            request.method, url, headers=request.headers, body=request.body, parse=False
        )
    except ConnectorError as error:
        failure = _worded(error, shown)
    else:
        text = answer.content.decode("utf-8", errors="replace")
        return Result(text, Provenance(params=shown))
    raise failure


async def _rows(
    client: ApiClient,
    request: Request,
    record_path: FieldPath,
    paging: Paging | None,
    limit: int | None,
) -> tuple[list[Any], dict[str, Any]]:
    """Return rows, and what is worth knowing about how they were read."""
    rows: list[Any] = []
    pages = 0
    reader = read_pages(
        client, request, paging or Paging(), lambda body: rows_at(body, record_path)
    )
    async for page in reader:
        rows.extend(row for row in page if row is not None)
        pages += 1
        if limit is None:
            return rows, {}
        if len(rows) >= limit:
            break
    limit = limit or 0
    # What was cut off, or a page that was not asked for, may hold more.
    complete = len(rows) < limit or (paging is None and len(rows) == limit)
    return rows[:limit], {"pages": pages, "complete": complete}


def rows_at(body: Any, path: FieldPath) -> list[Any]:
    """Return the rows at a path; `*` goes through every element of a list or value of a map."""
    values = [body]
    for key in path:
        values = [inner for value in values for inner in _step(value, key)]
    rows: list[Any] = []
    for value in values:
        rows.extend(value if isinstance(value, list) else [] if value is None else [value])
    return rows


def _step(value: Any, key: str) -> list[Any]:
    if key == "*":
        if isinstance(value, Mapping):
            return list(value.values())
        return value if isinstance(value, list) else []
    if isinstance(value, Mapping) and key in value:
        return [value[key]]
    return []


# ------------------------------------------------------------------------------------- values


def joined(values: list[Any]) -> str:
    """Join several values for one place of a path by commas."""
    return ",".join(str(value) for value in values)


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
