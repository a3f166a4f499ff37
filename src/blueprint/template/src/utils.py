"""Small helpers without a home of their own: JSON, paths into JSON values, redaction."""

import json
import logging
import math
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

FieldPath = tuple[str, ...]

_SHORTEST_SECRET = 4


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse_json(content: bytes) -> Any:
    """Parse a response body. An empty body is `None`; raises `ValueError` for anything but JSON."""
    try:
        return _decode(content)
    except (msgspec.MsgspecError, RecursionError):
        pass
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        return None
    # The fast parser refuses lone surrogates and NaN, which real APIs send.
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None


def dump_json(value: Any) -> bytes:
    """Serialise to one line of compact JSON. What is no number, as infinity, becomes null."""
    try:
        return _encode(value)
    except (TypeError, OverflowError, UnicodeEncodeError):
        return json.dumps(_finite(value), separators=(",", ":"), default=str).encode()


def _finite(value: Any) -> Any:
    """Return a value without the numbers that JSON has no words for."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


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
