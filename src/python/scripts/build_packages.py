"""Build sdist and wheel of the project in the current folder by calling its build backend in this environment.

Usage: build_packages.py OUTPUT_DIR. Prints a JSON object {"sdist": name, "wheel": name}. Needs no network: the backend
is installed already (PEP 517 hooks, no build isolation).
"""

import contextlib
import importlib
import json
import sys
import tomllib
from pathlib import Path


def main() -> None:
    """Build both packages and print their file names."""
    output = sys.argv[1]
    with Path("pyproject.toml").open("rb") as file:
        system = tomllib.load(file).get("build-system", {})
    name, _, attribute = system.get("build-backend", "setuptools.build_meta:__legacy__").partition(":")
    sys.path[:0] = [str(Path(folder).resolve()) for folder in system.get("backend-path", [])]
    with contextlib.redirect_stdout(sys.stderr):
        backend = importlib.import_module(name)
        for part in filter(None, attribute.split(".")):
            backend = getattr(backend, part)
        sdist = backend.build_sdist(output)
        wheel = backend.build_wheel(output)
    print(json.dumps({"sdist": sdist, "wheel": wheel}))


if __name__ == "__main__":
    main()
