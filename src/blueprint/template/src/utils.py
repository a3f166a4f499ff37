"""Small helpers without a home of their own: JSON, paths into JSON values, redaction."""

import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Optional
from urllib.parse import quote, quote_plus

import msgspec
from msgspec import Raw

FieldPath = tuple[str, ...]

_SHORTEST_SECRET = 4
_PLAIN = str | int | float | bool | None


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse_page(content: bytes, depth: int) -> Any:
    """Parse a response body, but leave what lists hold that stand so deep in its objects as text.

    To parse all of a large page and to write it again would be most of a read's work. A body that only
    the slower parser accepts is parsed whole. Raises `ValueError` for anything but JSON.
    """
    try:
        # Text that is left is checked to be JSON, but not to be UTF-8.
        if not content.isascii():
            content.decode()
        return _page_decoder(depth)(_unbroken(content))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return parse_json(content)


def _unbroken(content: bytes) -> bytes:
    """Return a JSON text without line breaks: some APIs indent their answers, and a record is one line."""
    if b"\n" not in content and b"\r" not in content:
        return content
    content = content.strip()
    return one_line(content) if b"\n" in content or b"\r" in content else content


@cache
def _page_decoder(depth: int) -> Callable[[bytes], Any]:
    kind: Any = list[Raw] | dict[str, Any] | _PLAIN
    for _ in range(depth):
        kind = dict[str, kind] | list[Any] | _PLAIN
    return msgspec.json.Decoder(kind).decode


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


def one_line(text: bytes) -> bytes:
    """Return a JSON text without blanks and line breaks between its parts."""
    return msgspec.json.format(text, indent=-1)


def _finite(value: Any) -> Any:
    """Return a value without the numbers that JSON has no words for."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def get_path(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at `path`, or `None` where any part of it is missing."""
    if isinstance(value, Raw):
        return _field_of(value, tuple(path))
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _field_of(text: Raw, path: FieldPath) -> Any:
    """Return what stands at `path` in a JSON text, of which no more than that is parsed."""
    try:
        found = _field_decoder(path)(text)
    except (msgspec.MsgspecError, ValueError):
        # Something on the way is no object, or has a name that no declared field may have.
        return get_path(parse_json(bytes(text)), path)
    for _ in path:
        if found is None:
            return None
        found = found.below
    return found


@cache
def _field_decoder(path: FieldPath) -> Callable[[bytes], Any]:
    kind: Any = Any
    for key in reversed(path):
        below = ("below", Optional[kind], None)  # noqa: UP045 - `Any` has no `|` in Python 3.11
        kind = msgspec.defstruct("Holder", [below], rename={"below": key}, gc=False)
    return msgspec.json.Decoder(kind).decode


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
