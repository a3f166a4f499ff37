"""dlt's rest_api source, read in one of two ways.

`emit` iterates it and writes each record as a line: the duty that the other readers have. `extract` is the first stage
of a pipeline: its records are written to files of dlt's own, which the stages after it would normalise and load.

    python dlt_reader.py '{"base_url": …, "streams": ["events"], "accounts": false, "mode": "emit", …}'
"""

import json
import sys
from typing import Any

import dlt
import orjson
from dlt.sources.rest_api import rest_api_source


def endpoint(path: str, task: dict[str, Any]) -> dict[str, Any]:
    """Describe a list of the API."""
    described: dict[str, Any] = {
        "path": path,
        "params": {"limit": task["limit"]},
        "data_selector": "data",
    }
    if task["incremental"]:
        described["incremental"] = {
            "cursor_path": "updated_at",
            "start_param": "updated_since",
            "initial_value": task["since"] or "2020-01-01T00:00:00Z",
        }
    return described


def source(task: dict[str, Any]) -> Any:
    """Describe the API as dlt's documentation does."""
    if task["accounts"]:
        resources = [
            {"name": "accounts", "endpoint": {"path": "accounts", "data_selector": "data"}},
            {
                "name": "events",
                "primary_key": "id",
                "endpoint": endpoint("accounts/{resources.accounts.id}/events", task),
            },
        ]
    else:
        resources = [
            {"name": name, "primary_key": "id", "endpoint": endpoint(name, task)}
            for name in task["streams"]
        ]
    client = {
        "base_url": task["base_url"] + "/",
        "auth": {"type": "bearer", "token": task["token"]},
        "paginator": {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "cursor"},
    }
    described = rest_api_source(
        {"client": client, "resources": resources}, parallelized=task["tuned"]
    )
    return described.with_resources(*task["streams"])


def main() -> None:
    """Read in the way that is asked for."""
    task = json.loads(sys.argv[1])
    if task["mode"] == "extract":
        pipeline = dlt.pipeline("bench", pipelines_dir=task["folder"], destination="dummy")
        pipeline.extract(source(task))
        return
    write = sys.stdout.buffer.write
    for record in source(task):
        write(b'{"type":"RECORD","record":{"stream":"events","data":')
        write(orjson.dumps(record))
        write(b"}}\n")
    sys.stdout.buffer.flush()


main()
