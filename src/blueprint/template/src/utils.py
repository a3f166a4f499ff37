"""Small helpers without a home of their own: JSON, paths into JSON values, redaction."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic_core import PydanticSerializationError, from_json, to_json

FieldPath = tuple[str, ...]

_SHORTEST_SECRET = 4


def parse_json(content: bytes) -> Any:
    """Parse a response body. An empty body is `None`; raises `ValueError` for anything but JSON."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        return None
    try:
        return from_json(content, cache_strings="keys")
    except ValueError:
        # The fast parser refuses lone surrogates, which real APIs send.
        return json.loads(content)


def dump_json(value: Any) -> bytes:
    """Serialise to one line of compact JSON."""
    try:
        return to_json(value, inf_nan_mode="null")
    except (PydanticSerializationError, UnicodeEncodeError):
        return json.dumps(value, separators=(",", ":"), default=str).encode()


def get_path(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at `path`, or `None` where any part of it is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def as_int(value: Any) -> int | None:
    """Return a whole number that may be written as text, else `None`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return None


class Redactor(logging.Filter):
    """Replaces known secrets in text; as a logging filter, in log records too."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._forms: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn one more secret, in every form in which it may show up."""
        if len(secret) < _SHORTEST_SECRET:
            return
        forms = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        # Longest first: a secret may contain another one.
        self._forms = sorted({*self._forms, *forms}, key=lambda form: (-len(form), form))

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced."""
        for form in self._forms:
            text = text.replace(form, "****")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a log record in place and let it pass."""
        record.msg = self(record.getMessage())
        record.args = None
        return True
