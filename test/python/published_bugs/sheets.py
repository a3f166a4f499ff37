"""An API that behaves as the documentation of Google Sheets says, for what a connector reads of it."""

from typing import Any, ClassVar
from urllib.parse import unquote

from served import Answer, PlayedApi, Request


class SheetsApi(PlayedApi):
    """A spreadsheet `book-1` whose sheets are lists of rows."""

    CLIENT_SECRET: ClassVar[str] = "secret-of-the-client"
    REFRESH_TOKEN: ClassVar[str] = "consent-of-a-person"

    def __init__(self) -> None:
        super().__init__()
        self.sheets: dict[str, list[list[Any]]] = {}
        self.tokens = 0

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        if request.path == "/token":
            return self._token(request.form)
        if request.headers.get("authorization") != f"Bearer access-{self.tokens}":
            return Answer({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        if request.path == "/v4/spreadsheets/book-1":
            return self._book(request.query.get("fields", ""))
        head = "/v4/spreadsheets/book-1/values/"
        if request.path.startswith(head):
            return self._values(unquote(request.path.removeprefix(head)))
        return Answer({"error": {"code": 404, "status": "NOT_FOUND"}}, 404)

    def _token(self, form: dict[str, str]) -> Answer:
        expected = {
            "grant_type": "refresh_token",
            "refresh_token": self.REFRESH_TOKEN,
            "client_id": "client",
            "client_secret": self.CLIENT_SECRET,
        }
        if any(form.get(name) != value for name, value in expected.items()):
            return Answer({"error": "invalid_grant"}, 400)
        self.tokens += 1
        return Answer({"access_token": f"access-{self.tokens}", "expires_in": 3600})

    def _book(self, fields: str) -> Answer:
        sheets = [
            {"properties": {"sheetId": number, "title": title, "index": number}}
            for number, title in enumerate(self.sheets)
        ]
        if fields == "sheets.properties":
            return Answer({"sheets": sheets} if sheets else {})
        return Answer({"spreadsheetId": "book-1", "properties": {"title": "Book"}})

    def _values(self, asked: str) -> Answer:
        """Answer with the cells of a range. Only in quotes is a title always a title: Q1 is a cell."""
        title = asked[1:-1].replace("''", "'") if asked.startswith("'") else None
        if title not in self.sheets:
            return Answer({"error": {"code": 400, "message": "Unable to parse range"}}, 400)
        # Blank cells at the end of a row and blank rows at the end of a sheet are left out.
        rows = [list(row) for row in self.sheets[title]]
        for row in rows:
            while row and row[-1] in ("", None):
                row.pop()
        while rows and not rows[-1]:
            rows.pop()
        answer = {"range": asked, "majorDimension": "ROWS"}
        return Answer({**answer, "values": rows} if rows else answer)
