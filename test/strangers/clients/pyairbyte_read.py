"""Reads a connector by PyAirbyte into a DuckDB cache, and compares the cache with what the API holds.

Takes the path of a JSON file: name, executable, config, database, streams (name to rows). Prints one line of JSON.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import airbyte as ab
from airbyte.caches import DuckDBCache
from rows import difference


def column(name: str) -> str:
    """Return the name that PyAirbyte gives to a field's column."""
    return re.sub(r"[^\w]", "_", name.lower())


def main(path: str) -> None:
    """Read, compare, print."""
    task: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    source = ab.get_source(
        task["name"], local_executable=Path(task["executable"]), config=task["config"]
    )
    source.check()
    discovered = sorted(source.get_available_streams())
    source.select_all_streams()
    cache = DuckDBCache(db_path=task["database"], schema_name="main")
    result = source.read(cache=cache)
    streams: dict[str, Any] = {}
    with cache.get_sql_engine().connect() as database:
        for name, served in task["streams"].items():
            found = database.exec_driver_sql(f'select * from main."{column(name)}"')
            taken = [dict(row) for row in found.mappings()]
            streams[name] = difference(served, taken, column, nested=True)
    print(
        "\n"
        + json.dumps(
            {"discovered": discovered, "read": result.processed_records, "streams": streams}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
