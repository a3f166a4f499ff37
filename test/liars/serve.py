"""Serves a connector's API on this machine until standard input ends: `python serve.py CONNECTOR`.

The server is that of our conformance suite, which knows the API by the connector's fixtures. Prints one line of JSON:
a configuration that works with it, and one with wrong credentials where the API asks for any.
"""

import json
import sys
from pathlib import Path
from typing import Any

from conformance.api import ConformanceApi
from conformance.description import description_of
from conformance.model import Subject
from conformance.processes import configuration_for
from conformance.sockets import serving


def main() -> None:
    """Serve."""
    description = description_of(Subject(Path(sys.argv[1]).resolve()))
    with serving(ConformanceApi(description)) as url:
        works = configuration_for(description, url)
        wrong: dict[str, Any] | None = None
        if description.auth:
            secrets = description.auth[0]["secrets"]
            wrong = {
                **works,
                "credentials": {**works["credentials"], **dict.fromkeys(secrets, "wrong-0123")},
            }
        sys.stdout.write(json.dumps({"works": works, "wrong": wrong}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
