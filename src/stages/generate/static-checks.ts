/** Evidence about the connector that needs no test: it compiles, imports, and ruff and mypy are content. */
import type { StaticCheck } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { excerpt } from '../../python/junit.ts';
import { runTool, type ToolResult } from '../../python/tools.ts';

/** Modules that need one of the connector's own optional extras, which is not installed here, are counted apart. */
const IMPORT_ALL = `
import importlib, pkgutil, re, tomllib
import src
try:
    with open("pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"].values()
except (OSError, ValueError, LookupError, AttributeError):
    extras = []
optional = {re.split(r"[^A-Za-z0-9_-]", one)[0].replace("-", "_") for extra in extras for one in extra}
names = [m.name for m in pkgutil.walk_packages(src.__path__, "src.") if not m.name.endswith("__main__")]
apart = []
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in optional:
            raise
        apart.append(f"{name} needs {error.name}")
print(f"{len(names) + 1 - len(apart)} modules imported", *apart, sep="; ")
`;

export function toStaticCheck(name: StaticCheck['name'], result: ToolResult, shown?: string): StaticCheck {
  const output = excerpt(`${result.stdout}${result.stderr}`.trim());
  return {
    name,
    passed: result.exitCode === 0,
    command: shown ?? result.command,
    exitCode: result.exitCode,
    output: result.timedOut ? `Ended after the time limit.\n${output}` : output,
    durationMs: result.durationMs,
  };
}

/** Runs all checks side by side; a check that fails is evidence, not an error. */
export async function runStaticChecks(
  connectorDir: string,
  environment: PythonEnvironment,
  mypyCache: string,
  signal: AbortSignal,
): Promise<StaticCheck[]> {
  const run = (args: readonly string[], writable: readonly string[] = []): Promise<ToolResult> =>
    runTool({ environment, cwd: connectorDir, writable, args, signal });
  // Together: where one can't be run at all, the others reject too, and each rejection has to be met.
  const [compile, imported, ruff, format, mypy] = await Promise.all([
    run(['-m', 'compileall', '-q', 'src', 'tests']),
    run(['-c', IMPORT_ALL]),
    run(['-m', 'ruff', 'check', '--no-cache', '--output-format=concise', '.']),
    run(['-m', 'ruff', 'format', '--check', '--no-cache', 'src', 'tests']),
    run(['-m', 'mypy', `--cache-dir=${mypyCache}`, 'src'], [mypyCache]),
  ]);
  return [
    toStaticCheck('compile', compile),
    toStaticCheck('import', imported, 'python -c "import src and each of its modules"'),
    toStaticCheck('ruff', ruff),
    toStaticCheck('format', format),
    toStaticCheck('mypy', mypy, 'python -m mypy src'),
  ];
}
