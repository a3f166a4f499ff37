"""Tables that an API gives as a list of lists: the first row names the columns, each further one is a record."""

from typing import Any

ROW = "_row"
"""Column that says where a row stands, counted from 1 with the names. No key: rows move when others are deleted."""


def rows_of_matrix(matrix: list[Any]) -> list[dict[str, Any]]:
    """Return the rows below the names as objects.

    Blank rows are left out and end nothing. Cells that a short row lacks are null; cells beyond the names get names
    of their own, as do columns without a name and those whose name is taken.
    """
    if not matrix:
        return []
    rows = [row if isinstance(row, list) else [row] for row in matrix]
    width = max(len(row) for row in rows)
    names = _column_names(rows[0], width)
    records = []
    for number, row in enumerate(rows[1:], start=2):
        if all(cell is None or cell == "" for cell in row):
            continue
        cells = [*row, *[None] * (width - len(row))]
        records.append({**dict(zip(names, cells, strict=True)), ROW: number})
    return records


def is_empty_table(holder: Any, key: str) -> bool:
    """Tell a table without any row, whose cells are left out altogether, from a failure."""
    return isinstance(holder, dict) and not {key, "error", "errors"} & set(holder)


def _column_names(head: list[Any], width: int) -> list[str]:
    names: list[str] = []
    taken = {ROW}
    for position in range(width):
        cell = head[position] if position < len(head) else None
        base = ("" if cell is None else str(cell).strip()) or f"column_{position + 1}"
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names.append(name)
    return names
