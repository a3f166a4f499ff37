"""The floor: what reading the API costs with requests and orjson alone, RECORD lines written page by page.

It neither retries, nor checks what it got, nor keeps a state: no connector can do its duties for less.

    python floor.py '{"base_url": …, "token": …, "paths": ["/events"], "limit": 1000, "since": null}'
"""

import json
import os
import sys
import time

import orjson
import requests

HEAD = b'{"type":"RECORD","record":{"stream":"events","data":'


def read(session: requests.Session, url: str, limit: int, since: str | None) -> None:
    """Write the records of one list."""
    params = {"limit": str(limit)}
    if since is not None:
        params["updated_since"] = since
    while True:
        response = session.get(url, params=params)
        while response.status_code == 429:
            time.sleep(float(response.headers["Retry-After"]))
            response = session.get(url, params=params)
        response.raise_for_status()
        body = orjson.loads(response.content)
        tail = b',"emitted_at":%d}}\n' % (time.time() * 1000)
        write(b"".join([HEAD + orjson.dumps(record) + tail for record in body["data"]]))
        following = body["meta"]["next"]
        if following is None:
            return
        params["cursor"] = following


def write(lines: bytes) -> None:
    """Write all of it: a pipe may take less at once."""
    rest = memoryview(lines)
    while rest:
        rest = rest[os.write(1, rest) :]


def main() -> None:
    """Read every list after the other."""
    task = json.loads(sys.argv[1])
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {task['token']}"
    for path in task["paths"]:
        read(session, task["base_url"] + path, task["limit"], task["since"])


main()
