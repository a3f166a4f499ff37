"""How the next page of a list is asked for, and how an answer says that there is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .client import Params, Scalar
from .errors import ApiError
from .utils import FieldPath, as_int, get_path


@dataclass(frozen=True, slots=True)
class PageToken:
    """Which page to ask for: by parameters beside the request's own, or by a whole URL."""

    params: Params = field(default_factory=dict)
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read. `number` counts from 1, `received` all rows up to here."""

    token: PageToken
    number: int
    received: int
    rows: list[Any]
    body: Any
    headers: Mapping[str, str]
    url: str


@dataclass(frozen=True, kw_only=True)
class Paging:
    """A way of paging; this one: everything comes in one answer."""

    # <feature paging.any>
    numbered: ClassVar[bool] = False
    """Whether pages are asked for by a number of our own, so that one may ask beyond the last."""

    size_param: str | None = None
    page_size: int | None = None
    # </feature>
    # <feature stop.has_more>
    has_more_path: FieldPath | None = None
    # </feature>
    # <feature stop.total>
    total_path: FieldPath | None = None
    # </feature>
    # <feature stop.total_pages>
    total_pages_path: FieldPath | None = None
    # </feature>

    def first(self) -> PageToken:
        """Return what to ask for at the start."""
        # <feature paging.any>
        return PageToken(self._size())
        # </feature>
        # <feature !paging.any>
        return PageToken()
        # </feature>

    def next(self, page: Page) -> PageToken | None:
        """Return what to ask for after a page, or `None` at the end."""
        return None
    # <feature paging.any>

    def _size(self) -> dict[str, Scalar]:
        if self.size_param is None or self.page_size is None:
            return {}
        return {self.size_param: self.page_size}

    def says_more(self, page: Page) -> bool | None:
        """Return whether the answer itself says that more follow; `None` where it does not tell."""
        # <feature stop.has_more>
        if self.has_more_path is not None:
            has_more = get_path(page.body, self.has_more_path)
            if isinstance(has_more, bool):
                return has_more
        # </feature>
        # <feature stop.total_pages>
        if self.total_pages_path is not None:
            total_pages = as_int(get_path(page.body, self.total_pages_path))
            if total_pages is not None:
                return page.number < total_pages
        # </feature>
        # <feature stop.total>
        if self.total_path is not None:
            total = as_int(get_path(page.body, self.total_path))
            # A total equal to a full first page may count the rows of that page only.
            doubtful = page.number == 1 and total == page.received
            doubtful = doubtful and self.page_size in (None, total)
            if total is not None and page.rows and not doubtful:
                return page.received < total
        # </feature>
        return None
    # </feature>
# <feature paging.page>


@dataclass(frozen=True, kw_only=True)
class PageNumber(Paging):
    """Pages are numbered. Without a word from the API about more, the first empty page ends the list.

    A page shorter than asked for does not: servers cap the size of pages.
    """

    numbered: ClassVar[bool] = True
    page_param: str
    start_page: int = 1

    def first(self) -> PageToken:
        """Ask for the first page by its number."""
        return PageToken({self.page_param: self.start_page, **self._size()})

    def next(self, page: Page) -> PageToken | None:
        """Ask for the following number."""
        more = self.says_more(page)
        if more is False or (more is None and not page.rows):
            return None
        return PageToken({self.page_param: self.start_page + page.number, **self._size()})
# </feature>
# <feature paging.offset>


@dataclass(frozen=True, kw_only=True)
class Offset(Paging):
    """A page starts after a number of rows: those received so far, however many were asked for."""

    numbered: ClassVar[bool] = True
    offset_param: str
    start_offset: int = 0

    def first(self) -> PageToken:
        """Ask for the first rows."""
        return PageToken({self.offset_param: self.start_offset, **self._size()})

    def next(self, page: Page) -> PageToken | None:
        """Ask for the rows after those received."""
        if not page.rows or self.says_more(page) is False:
            return None
        return PageToken({self.offset_param: self.start_offset + page.received, **self._size()})
# </feature>
# <feature paging.cursor>


@dataclass(frozen=True, kw_only=True)
class Cursor(Paging):
    """Each answer holds the key to the next page."""

    cursor_param: str
    # <feature cursor.body>
    next_path: FieldPath | None = None
    # </feature>
    # <feature cursor.last_record>
    last_record_field: FieldPath | None = None
    # </feature>

    def next(self, page: Page) -> PageToken | None:
        """Ask for the page behind the key."""
        if self.says_more(page) is False:
            return None
        cursor = self._cursor(page)
        if cursor in _NO_CURSOR:
            return None
        if not isinstance(cursor, (str, int, float)):
            raise ApiError(f"The next cursor is not a plain value but {type(cursor).__name__}.")
        return PageToken({self.cursor_param: cursor, **self._size()})

    def _cursor(self, page: Page) -> Any:
        # <feature cursor.last_record>
        if self.last_record_field is not None:
            return get_path(page.rows[-1], self.last_record_field) if page.rows else None
        # </feature>
        # <feature cursor.body>
        return get_path(page.body, self.next_path or ())
        # </feature>
        # <feature !cursor.body>
        return None
        # </feature>


# Some APIs say "no more" with a zero.
_NO_CURSOR: tuple[Any, ...] = (None, "", False, 0, "0")
# </feature>
# <feature paging.next_url>


@dataclass(frozen=True, kw_only=True)
class NextUrl(Paging):
    """Each answer's body holds the URL of the next page, whole or relative to its own."""

    next_path: FieldPath

    def next(self, page: Page) -> PageToken | None:
        """Ask for the URL, which carries every parameter itself."""
        if self.says_more(page) is False:
            return None
        url = get_path(page.body, self.next_path)
        if not url:
            return None
        if not isinstance(url, str):
            raise ApiError(f"The next URL is not text but {type(url).__name__}.")
        return PageToken(url=url)
# </feature>
# <feature paging.link>


@dataclass(frozen=True, kw_only=True)
class LinkHeader(Paging):
    """A `Link` header with `rel="next"` names the next page (RFC 8288)."""

    def next(self, page: Page) -> PageToken | None:
        """Ask for the URL that the header names."""
        for target, attributes in _LINK.findall(page.headers.get("Link", "")):
            relation = _REL.search(attributes)
            if relation and "next" in relation.group(1).lower().split():
                return PageToken(url=target)
        return None


_LINK = re.compile(r"<([^>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*\"?([^\";,]+)", re.IGNORECASE)
# </feature>
