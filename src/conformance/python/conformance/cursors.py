"""Cursors: their formats, and how they compare."""

from datetime import UTC, datetime, timedelta
from typing import Any

FIRST_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
DAY = 86_400.0
FIRST_NUMBER = 9
"""The next one, 10, comes before it where numbers are compared as text."""


def cursor_at(form: str, days: float, like: Any, step: int) -> Any:
    """Return a cursor so many days after the first moment, of the type that another one has."""
    moment = FIRST_MOMENT + timedelta(days=days)
    seconds = int(moment.timestamp())
    numbers = {
        "integer": FIRST_NUMBER + step,
        "unix_seconds": seconds,
        "unix_milliseconds": seconds * 1000,
    }
    if form in numbers:
        return _typed(numbers[form], like)
    if form == "string":
        return f"v{step:06d}"
    if form == "date":
        return moment.strftime("%Y-%m-%d")
    if isinstance(like, (int, float)):
        return seconds
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _typed(number: int, like: Any) -> Any:
    return str(number) if isinstance(like, str) else number


def comparable(value: Any, form: str) -> Any:
    """Return a cursor as something to compare: seconds since 1970, a number, or text."""
    if form in ("integer", "string"):
        return float(value) if form == "integer" else str(value)
    if form.startswith("unix"):
        return float(value) / (1000 if form == "unix_milliseconds" else 1)
    if isinstance(value, (int, float)):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return float(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def coarse(value: Any, form: str) -> Any:
    """Return a comparable cursor in the precision that a format has."""
    return value - value % DAY if form == "date" and isinstance(value, float) else value
