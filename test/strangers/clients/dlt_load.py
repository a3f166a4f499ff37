"""Loads a connector by dlt into DuckDB, and compares the tables with what the API holds.

Takes the path of a JSON file: module, config, database, pipelines (a folder), streams (name to rows). Prints one line
of JSON.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import dlt
import duckdb
from rows import difference


def main(path: str) -> None:
    """Load, compare, print."""
    task: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    source = importlib.import_module(f"{task['module']}.dlt_source").source
    pipeline = dlt.pipeline(
        "stranger",
        destination=dlt.destinations.duckdb(task["database"]),
        dataset_name="main_data",
        pipelines_dir=task["pipelines"],
    )
    pipeline.run(source(task["config"]))
    counts = pipeline.last_trace.last_normalize_info.row_counts
    naming = pipeline.default_schema.naming
    streams: dict[str, Any] = {}
    with duckdb.connect(task["database"], read_only=True) as database:
        for name, served in task["streams"].items():
            table = naming.normalize_table_identifier(name)
            cursor = database.execute(f'select * from main_data."{table}"')
            names = [one[0] for one in cursor.description]
            taken = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            streams[name] = difference(served, taken, naming.normalize_identifier, nested=False)
    read = sum(counts.get(naming.normalize_table_identifier(name), 0) for name in task["streams"])
    print("\n" + json.dumps({"read": read, "streams": streams}))


if __name__ == "__main__":
    main(sys.argv[1])
