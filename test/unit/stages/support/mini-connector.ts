/** A connector in miniature, as a compiler gives it: small enough to read, real enough to be tested and packaged. */
import type { CompiledFile } from '../../../../src/blueprint/compiler/compile.ts';
import { developmentRequirements, requirements } from '../../../../src/blueprint/compiler/project.ts';
import type { Blueprint } from '../../../../src/blueprint/schema.ts';
import type { Brief } from '../../../../src/pipeline/contracts.ts';

const FILES: Readonly<Record<string, string>> = {
  'src/__init__.py': `"""Source of tides."""

from .tides import CONNECTORS, FETCH_CONNECTORS, height

__all__ = ["CONNECTORS", "FETCH_CONNECTORS", "height"]
`,
  'src/__main__.py': `"""Command line."""

import sys

from .protocol import main

if __name__ == "__main__":
    sys.exit(main())
`,
  'src/protocol.py': `"""Speaks the protocol."""

import json
import sys


def main() -> int:
    """Answer one command on standard output."""
    if sys.argv[1:2] == ["spec"]:
        spec: dict[str, object] = {"connectionSpecification": {}}
        sys.stdout.write(json.dumps({"type": "SPEC", "spec": spec}) + "\\n")
        return 0
    return 1
`,
  'src/tides.py': `"""Tides."""

CONNECTORS: list[str] = ["height"]
FETCH_CONNECTORS: list[str] = ["height"]


def height(hour: int) -> float:
    """Height of the water in metres."""
    if hour < 0:
        raise ValueError("hour must not be negative")
    return 1.5 + (hour % 12) / 10
`,
  'tests/__init__.py': '',
  'tests/conftest.py': `"""Shared fixtures."""

import pytest


@pytest.fixture
def noon() -> int:
    """Return the hour of noon."""
    return 12
`,
  'tests/fixtures/heights.json': '[1.5, 1.6]\n',
  'tests/test_tides.py': `"""Tests of the tides."""

import json
from pathlib import Path

import pytest

from src import height


def test_noon(noon: int) -> None:
    """At noon the water is low."""
    assert height(noon) == 1.5


@pytest.mark.parametrize("hour", [0, 1])
def test_table(hour: int) -> None:
    """The table of the harbour agrees."""
    path = Path(__file__).parent / "fixtures" / "heights.json"
    table = json.loads(path.read_text())
    assert height(hour) == pytest.approx(table[hour])


class TestErrors:
    """Bad input."""

    def test_negative(self) -> None:
        """A negative hour is refused."""
        with pytest.raises(ValueError, match="negative"):
            height(-1)
`,
  'README.md': '# source-tides\n',
  // The same packages as any connector's, so that one environment serves all tests.
  'requirements.txt': requirements(new Set()),
  'requirements-dev.txt': developmentRequirements(),
  'pyproject.toml': `[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "source-tides"
version = "0.1.0"
requires-python = ">=3.11"

[project.scripts]
source-tides = "source_tides.protocol:main"

[tool.hatch.build.targets.wheel.sources]
src = "source_tides"

[tool.hatch.build.targets.wheel]
only-include = ["src"]

[tool.pytest.ini_options]
testpaths = ["tests"]
`,
};

export function miniConnector(changes: Readonly<Record<string, string | null>> = {}): CompiledFile[] {
  const files = Object.entries({ ...FILES, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return files.map(([path, content]) => ({ path, content })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function miniBlueprint(): Blueprint {
  return {
    schemaVersion: 1,
    name: 'tides',
    api: { title: 'Tides', version: '1' },
    source: { location: 'tides.json', format: 'openapi-3.1', sha256: '0'.repeat(64), bytes: 1 },
    baseUrl: 'https://tides.test',
    serverVariables: [],
    auth: [{ name: 'none', parts: [{ kind: 'none' }] }],
    headers: [],
    rateLimit: { documents429: false },
    streams: [
      {
        name: 'heights',
        method: 'GET',
        path: '/heights',
        pointer: '/paths/~1heights/get',
        selected: true,
        parameters: [],
        recordPath: [],
        recordShape: 'list',
        primaryKey: [['id']],
        paging: { kind: 'none' },
        schema: {},
      },
    ],
    operations: [],
    facts: [],
    gaps: [],
    problems: [],
  };
}

export function miniBrief(): Brief {
  return { schemaVersion: 1, blueprint: miniBlueprint(), probes: [] };
}
