"""Send one GET request to the mock API of a connector's tests, as the connector's credentials would send it.

Usage: probe_mock.py CONNECTOR_DIR. Reads JSON from standard input: {"path", "query"}. Prints JSON: {"status",
"headers", "body", "length"}, or {"error"} where the mock itself is broken. Knows nothing
of the connector's code below src/.
"""

import asyncio
import importlib
import json
import sys
import traceback
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

MAX_BODY = 8 * 1024
#: Headers that say nothing about the API: they come from the transport.
PLAIN_HEADERS = {"content-length", "content-encoding", "transfer-encoding", "date", "server", "connection"}


def authentic(mock: Any, api: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query parameters with which the mock knows the sender."""
    headers = {str(name): str(value) for name, value in api.get("headers", {}).items()}
    query: dict[str, str] = {}
    cookies = []
    for check in api["auth"][0]["checks"] if api.get("auth") else []:
        if check["in"] == "header":
            headers[check["name"]] = check["value"]
        elif check["in"] == "query":
            query[check["name"]] = check["value"]
        elif check["in"] == "cookie":
            cookies.append(f"{check['name']}={check['value']}")
        elif check["in"] == "oauth2":
            # As if a token had been fetched before.
            mock.tokens = 1
            headers["Authorization"] = "Bearer access-token-1"
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    return headers, query


async def probe(module: ModuleType, asked: dict[str, Any]) -> dict[str, Any]:
    """Send the request and return what was answered."""
    httpx = importlib.import_module("httpx")
    mock = module.MockApi()
    api: dict[str, Any] = module.API
    headers, query = authentic(mock, api)
    url = str(api["base_url"]).rstrip("/") + asked["path"]
    async with httpx.AsyncClient(transport=mock) as client:
        response = await client.get(url, params={**query, **asked["query"]}, headers=headers)
        body = response.text
    shown = {name: value for name, value in response.headers.items() if name.lower() not in PLAIN_HEADERS}
    return {"status": response.status_code, "headers": shown, "body": body[:MAX_BODY], "length": len(body)}


def main() -> None:
    """Print what the mock API of the connector in the given folder answers."""
    asked = json.loads(sys.stdin.read())
    sys.path.insert(0, sys.argv[1])
    # What the tests' code prints must not mix with the answer.
    with redirect_stdout(sys.stderr):
        try:
            answer = asyncio.run(probe(importlib.import_module("tests.mock_api"), asked))
        except Exception:  # noqa: BLE001 - whatever the mock raises is what the caller wants to see
            answer = {"error": traceback.format_exc()[-4000:]}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
