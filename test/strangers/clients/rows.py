"""Compares the rows that a client has with those that the API's server handed out, multiset for multiset."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def plain(value: Any) -> Any:
    """Return a value in the one form that it has on both sides, however a database keeps it."""
    if isinstance(value, str):
        if _MOMENT.match(value):
            return plain(datetime.fromisoformat(value))
        return plain(json.loads(value)) if value[:1] in ("{", "[") else value
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return float(value)
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items() if one is not None}
    return [plain(one) for one in value]


def difference(
    served: Iterable[Mapping[str, Any]],
    taken: Iterable[Mapping[str, Any]],
    column: Callable[[str], str],
    *,
    nested: bool,
) -> dict[str, int]:
    """Return how many rows were served, how many of those are missing, and how many are too many.

    `column` names the column of a field. Without `nested` only fields with plain values are compared.
    """
    served = [
        {
            column(name): value
            for name, value in row.items()
            if nested or not isinstance(value, (dict, list))
        }
        for row in served
    ]
    columns = sorted({name for row in served for name in row})

    def whole(row: Mapping[str, Any]) -> str:
        return json.dumps([plain(row.get(name)) for name in columns], sort_keys=True)

    wanted, found = Counter(map(whole, served)), Counter(map(whole, taken))
    return {
        "rows": wanted.total(),
        "missing": (wanted - found).total(),
        "extra": (found - wanted).total(),
    }
