"""How a list is read page by page, and when it has ended."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from .client import ApiClient, Params, Scalar
from .errors import ApiError, PagingError
from .paging import Page, PageToken, Paging
from .progress import Position
from .utils import parse_json

_LOG = logging.getLogger(__name__)
_BEYOND_THE_END = (400, 416, 422)

MAX_PAGES = 1_000_000
"""Pages in one list; more means that the API leads round in circles."""

MAX_EMPTY_PAGES = 3
"""Empty pages in a row, each naming a next one, that are taken as the end of the list."""

REMEMBERED_PAGES = 10_000
"""Pages that are told again when they come as the next one: a longer list must not need more memory."""


@dataclass(frozen=True, slots=True)
class Request:
    """What every page of a list asks for."""

    method: str
    path: str
    path_params: Mapping[str, Scalar] = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


# <feature paging.any>
async def read_pages(
    client: ApiClient,
    request: Request,
    paging: Paging,
    rows_in: Callable[[Any], list[Any]],
    *,
    parse: Callable[[bytes], Any] = parse_json,
    max_pages: int = MAX_PAGES,
    position: Position | None = None,  # <feature resumable>
) -> AsyncIterator[list[Any]]:
    """Yield the rows of each page. Raises `PagingError` where the pages would never end.

    `position` is where to begin, and is moved on with each page that was taken.
    """
    token = paging.first()
    number = received = empty = largest = 0
    # <feature resumable>
    resumes = position is not None and position.token is not None
    if position is not None and position.token is not None:
        token, number, received = position.token, position.number, position.received
    # </feature>
    previous: Page | None = None
    asked: dict[int, None] = {}
    while number < max_pages:
        url, body = _address(client, request, token, previous)
        key = hash((str(url), repr(body)))
        if key in asked:
            if previous is not None and not previous.rows:
                return
            raise PagingError(f"{request.path}: the API names a page as next that was read before.")
        asked[key] = None
        if len(asked) > REMEMBERED_PAGES:
            del asked[next(iter(asked))]
        try:
            answer = await client.fetch(
                request.method, url, headers=request.headers, body=body, parse=parse
            )
        except ApiError as error:
            # <feature resumable>
            if resumes and previous is None and position is not None:
                _LOG.warning("%s: page %d is gone, read anew. %s", request.path, number + 1, error)
                position.clear()
                asked.clear()
                token, number, received, resumes = paging.first(), 0, 0, False
                continue
            # </feature>
            if previous is not None and _is_past_the_end(paging, previous, largest, error):
                _LOG.warning(
                    "%s: no page %d (%s), taken as the end.", request.path, number + 1, error
                )
                return
            raise
        rows = rows_in(answer.body)
        if paging.numbered and previous is not None and rows and rows == previous.rows:
            _check_repeated(request, paging, previous)
            return
        number += 1
        received += len(rows)
        largest = max(largest, len(rows))
        empty = 0 if rows else empty + 1
        yield rows
        previous = Page(token, number, received, rows, answer.body, answer.headers, answer.url)
        following = paging.next(previous)
        if following is None:
            return
        token = following
        # <feature resumable>
        if position is not None:
            _move(client, position, previous, token)
        # </feature>
        if empty >= MAX_EMPTY_PAGES and paging.says_more(previous) is None:
            _LOG.warning("%s: %d empty pages in a row, taken as the end.", request.path, empty)
            return
    raise PagingError(f"{request.path}: no end after {max_pages} pages.")


# </feature>
# <feature resumable>
def _move(client: ApiClient, position: Position, page: Page, following: PageToken) -> None:
    """Keep the page that follows as the one to go on with, unless it would show a secret."""
    url = None if following.url is None else str(httpx.URL(page.url).join(following.url))
    words = f"{url} {dict(following.params)}"
    if client.redact(words) == words:
        position.move(PageToken(following.params, url), page.number, page.received)
    else:
        position.clear()


# </feature>
# <feature !paging.any>
async def read_pages(
    client: ApiClient,
    request: Request,
    paging: Paging,
    rows_in: Callable[[Any], list[Any]],
    *,
    parse: Callable[[bytes], Any] = parse_json,
) -> AsyncIterator[list[Any]]:
    """Yield the rows of the answer."""
    url, body = _address(client, request, paging.first(), None)
    answer = await client.fetch(
        request.method, url, headers=request.headers, body=body, parse=parse
    )
    yield rows_in(answer.body)


# </feature>
def _address(
    client: ApiClient, request: Request, token: PageToken, previous: Page | None
) -> tuple[httpx.URL, Any]:
    """Return the URL and the body that ask for a page."""
    if token.url is not None:
        here = httpx.URL(previous.url) if previous is not None else httpx.URL(client.base_url)
        return here.join(token.url), request.body
    if request.method == "POST":
        url = client.url_for(request.path, request.path_params, request.params)
        return url, {**(request.body or {}), **token.params}
    params = {**request.params, **token.params}
    return client.url_for(request.path, request.path_params, params), request.body

# <feature paging.any>


def _is_past_the_end(paging: Paging, previous: Page, largest: int, error: ApiError) -> bool:
    """Tell a refusal to go beyond the last page from a failure that cuts the list short."""
    if not paging.numbered or not previous.rows or paging.says_more(previous):
        return False
    if error.status == httpx.codes.NOT_FOUND:
        return True
    # Servers cap the size of pages: only an earlier, larger page shows that this one was cut short.
    return len(previous.rows) < largest and error.status in _BEYOND_THE_END


def _check_repeated(request: Request, paging: Paging, previous: Page) -> None:
    """End a list whose last page comes again, unless the API says that more rows exist."""
    if paging.says_more(previous):
        raise PagingError(f"{request.path}: page {previous.number} came again instead of the next.")
    _LOG.warning("%s: page %d came again, taken as the end.", request.path, previous.number)
# </feature>
