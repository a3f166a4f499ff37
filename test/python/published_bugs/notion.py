"""An API that behaves as Notion's documentation says, for what a connector reads of it."""

from typing import Any, ClassVar

from served import Answer, PlayedApi, Request

LARGEST_PAGE = 3
"""Rows a page, whatever is asked for."""


class NotionApi(PlayedApi):
    """Pages with blocks and comments, databases, users."""

    TOKEN: ClassVar[str] = "an-opaque-token-without-any-prefix"

    def __init__(self) -> None:
        super().__init__()
        self.objects: list[dict[str, Any]] = []
        self.blocks: dict[str, list[dict[str, Any]]] = {}
        self.comments: dict[str, list[dict[str, Any]]] = {}
        self.users = [{"object": "user", "id": f"user-{number}"} for number in range(4)]

    def add(self, kind: str, key: str, edited: str, blocks: int = 0) -> None:
        """Add a page or a database that was edited at a moment."""
        self.objects.append({"object": kind, "id": key, "last_edited_time": edited})
        self.blocks[key] = []
        for number in range(blocks):
            self.nest(key, f"{key}-block-{number}")
        self.comments[key] = [{"object": "comment", "id": f"{key}-comment"}] if blocks else []

    def nest(self, above: str, key: str, kind: str = "paragraph") -> None:
        """Add a block below a page or a block. Of a page in a page the block has the page's id."""
        for rows in self.blocks.values():
            for row in rows:
                row["has_children"] = row["has_children"] or row["id"] == above
        has_children = bool(self.blocks.setdefault(key, []))
        block = {"object": "block", "id": key, "type": kind, "has_children": has_children}
        self.blocks.setdefault(above, []).append(block)

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        if request.headers.get("authorization") != f"Bearer {self.TOKEN}":
            return Answer({"code": "unauthorized", "message": "API token is invalid."}, 401)
        if "notion-version" not in request.headers:
            return Answer({"code": "missing_version"}, 400)
        if (request.method, request.path) == ("POST", "/v1/search"):
            return self._search(request.body)
        return self._listed(request)

    def _listed(self, request: Request) -> Answer:
        rows: list[dict[str, Any]] | None = None
        parts = request.path.split("/")
        if request.path == "/v1/users":
            rows = self.users
        elif request.path == "/v1/comments":
            rows = self.comments.get(request.query.get("block_id", ""), [])
        elif parts[:3] == ["", "v1", "blocks"] and parts[4:] == ["children"]:
            rows = self.blocks.get(parts[3])
        if rows is None or request.method != "GET":
            return Answer({"code": "object_not_found"}, 404)
        return _page(rows, request.query)

    def _search(self, body: dict[str, Any]) -> Answer:
        wanted = body["filter"]
        if wanted["property"] != "object":
            return Answer({"code": "validation_error"}, 400)
        found = [one for one in self.objects if one["object"] == wanted["value"]]
        found.sort(key=lambda one: one["last_edited_time"])
        return _page(found, {name: str(value) for name, value in body.items()})


def _page(rows: list[dict[str, Any]], asked: dict[str, str]) -> Answer:
    size = int(asked.get("page_size", "100"))
    if not 0 < size <= 100:
        return Answer({"code": "validation_error"}, 400)
    start = int(asked.get("start_cursor", "cursor-0").removeprefix("cursor-"))
    end = start + min(size, LARGEST_PAGE)
    more = end < len(rows)
    following = f"cursor-{end}" if more else None
    return Answer(
        {
            "object": "list",
            "results": rows[start:end],
            "next_cursor": following,
            "has_more": more,
        }
    )
