/** Emits what makes a folder of Python a project: its metadata, its pinned requirements, what git ignores. */
import type { Blueprint } from '../schema.ts';
import { plainText } from './agent-face-python.ts';
import { literal } from './python.ts';

/** Versions that the generated connectors are tested with. */
const RUNTIME = ['httpx==0.28.1', 'pydantic==2.14.3', 'tenacity==9.2.1'];
const DATAFRAMES = ['pandas==3.1.1'];
const TOOLS = ['mypy==2.4.1', 'pytest==9.2.0', 'pytest-cov==7.1.0', 'ruff==0.17.5'];

/** Only connectors that sign statements need it: it brings a library written in C. */
const SIGNING = 'pyjwt[crypto]==2.15.1';

export function requirements(wanted: ReadonlySet<string>): string {
  return `${[...RUNTIME, ...(wanted.has('auth.jwt_bearer') ? [SIGNING] : [])].sort().join('\n')}\n`;
}

export function developmentRequirements(): string {
  return `${['-r requirements.txt', ...[...DATAFRAMES, ...TOOLS].sort()].join('\n')}\n`;
}

export function pyproject(blueprint: Blueprint): string {
  const name = `source-${blueprint.name}`;
  const module = name.replaceAll('-', '_');
  const signing = signs(blueprint) ? ', "pyjwt[crypto]>=2.10,<3"' : '';
  const description = `Reads ${plainText(blueprint.api.title, 100) || blueprint.name} for data pipelines and language models.`;
  return `[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "${name}"
version = "0.1.0"
description = ${toml(description)}
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["httpx>=0.27,<1", "pydantic>=2.10,<3", "tenacity>=9,<10"${signing}]

[project.optional-dependencies]
dataframes = ["pandas>=2.2,<4"]
airbyte = ["airbyte-cdk>=7,<8"]
dlt = ["dlt>=1.20,<2"]
mcp = ["mcp>=2.3,<3"]
dev = [${TOOLS.map((tool) => literal(tool.replace('==', '>='))).join(', ')}]

[project.scripts]
${name} = "${module}.__main__:run"

[tool.hatch.build.targets.wheel]
only-include = ["src"]

[tool.hatch.build.targets.wheel.sources]
src = "${module}"

[tool.hatch.build.targets.sdist]
include = ["src", "tests", "integration_tests", "*.md", "*.txt", "*.yaml", "*.yml", "pyproject.toml"]

[tool.pytest.ini_options]
addopts = "-q"
pythonpath = ["."]
testpaths = ["tests"]

[tool.ruff]
line-length = 100
target-version = "py311"

[tool.ruff.lint]
select = ["A", "ASYNC", "B", "BLE", "C4", "D", "E", "F", "I", "N", "PL", "PT", "RET", "RUF", "S", "SIM", "UP", "W"]
ignore = ["D105", "D107", "D203", "D213", "E501", "PLR0913", "PLR2004", "RUF001", "RUF002", "RUF003"]

[tool.ruff.lint.per-file-ignores]
"tests/*" = ["D", "S"]
# Their docstrings begin with the API's own words.
"src/operations*" = ["D401", "D403", "D404"]

[tool.mypy]
python_version = "3.11"
strict = true
files = ["src"]

[[tool.mypy.overrides]]
module = ["pandas.*", "pyarrow.*"]
ignore_missing_imports = true

# Optional packages: whether they are installed must not change what mypy says.
[[tool.mypy.overrides]]
module = ["airbyte_cdk.*", "dlt.*", "mcp.*", "mcp_types.*"]
follow_imports = "skip"
ignore_missing_imports = true

[[tool.mypy.overrides]]
module = ["src.airbyte_source", "src.dlt_source", "src.mcp_server"]
disallow_any_generics = false
disallow_subclassing_any = false
disallow_untyped_decorators = false
warn_return_any = false
`;
}

function signs(blueprint: Blueprint): boolean {
  return blueprint.auth.some((option) => option.parts.some((part) => part.kind === 'jwt_bearer'));
}

function toml(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f]/g, '');
}

/** Names folders, never kinds of files: fixtures must not be swallowed. */
export const GITIGNORE = `.coverage
.mypy_cache/
.pytest_cache/
.ruff_cache/
.tmp/
.venv/
/build/
/dist/
/secrets/
__pycache__/
`;

export function packageInit(blueprint: Blueprint): string {
  const name = pascalName(blueprint.name);
  const title = plainText(blueprint.api.title, 60) || blueprint.name;
  const names = ['Config', 'Connector', `${name}Config`, `${name}Connector`];
  return [
    `"""A connector for ${title.replaceAll('\\', '/').replaceAll('"', "'")}."""`,
    '',
    'from importlib import import_module',
    'from typing import Any',
    '',
    'from .config import Config',
    'from .connector import Connector',
    '',
    `${name}Config = Config`,
    `${name}Connector = Connector`,
    '',
    `__all__ = [`,
    ...[...new Set(names)].sort().map((one) => `    "${one}",`),
    ']',
    '',
    '',
    'def __getattr__(name: str) -> Any:',
    '    """Import the source of airbyte-cdk only when it is asked for: nothing else needs that package."""',
    `    if name == "${airbyteClass(blueprint.name)}":`,
    '        return import_module(".airbyte_source", __name__).AirbyteSource',
    `    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")`,
    '',
  ].join('\n');
}

/** The class that airbyte-cdk looks for in `source_<name>`: every letter that follows no letter is a capital. */
export function airbyteClass(name: string): string {
  return `Source${name.replace(/(^|[^a-z])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase()).replaceAll('-', '')}`;
}

function pascalName(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
