"""What is kept of a read, so that the next one can go on from there."""

from collections.abc import Mapping
from typing import Any

from .paging import PageToken

NOTHING = {"__ab_no_cursor_state_message": True}
"""The state that platforms expect of a stream that is always read from its beginning."""


class Progress:
    """Nothing is kept; the base of what keeps something."""

    kept: bool = False
    """Whether a read that breaks off leaves something to go on from."""

    changed: bool = False
    """Whether there is something new since the state was last written."""

    @property
    def size(self) -> int:
        """Return how large the state is, in cursors."""
        return 1

    def finish(self) -> None:
        """Take note that a stream was read to its end."""

    def to_json(self) -> dict[str, Any]:
        """Return the state as it is saved."""
        return dict(NOTHING)
# <feature resumable>


class Position(Progress):
    """The page with which a full read goes on when it broke off before its end."""

    kept = True

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        self.token: PageToken | None = None
        self.number = 0
        self.received = 0
        try:
            page = (saved or {})["next_page"]
            self.token = PageToken(dict(page["params"]), page["url"])
            self.number, self.received = int(page["number"]), int(page["received"])
        except (KeyError, TypeError, ValueError):
            self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.token, self.number, self.received = None, 0, 0
        self.changed = True

    def move(self, token: PageToken, number: int, received: int) -> None:
        """Take note that a page was written, and of the one after it."""
        self.token, self.number, self.received = token, number, received
        self.changed = True

    def finish(self) -> None:
        """Keep no page: the next read begins at the first one."""
        self.clear()

    def to_json(self) -> dict[str, Any]:
        """Return the state as it is saved."""
        self.changed = False
        if self.token is None:
            return dict(NOTHING)
        return {
            "next_page": {
                "params": dict(self.token.params),
                "url": self.token.url,
                "number": self.number,
                "received": self.received,
            }
        }
# </feature>
