/**
 * What an agent may have run: our own checks, the connector's tests and its mock API, each by name. An agent gives no command
 * line, and answers say nothing that differs between two machines or two runs.
 */
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { AgentTool } from '../agents/contracts.ts';
import { PathPolicy, Roles } from '../agents/policy/paths.ts';
import type { StageContext, TestCase, TestReport, VisibleRunner } from '../pipeline/contracts.ts';
import { SourcewrightError } from '../errors.ts';
import type { PythonEnvironment } from '../python/environments.ts';
import { UnknownPackages } from '../python/known-packages.ts';
import { excerpt } from '../python/junit.ts';
import { ProcessRunner } from '../python/process-runner.ts';
import { DEFAULT_TEST_TIMEOUT_MS, RESULTS_FILE, runSuite } from '../python/pytest.ts';
import { runTool } from '../python/tools.ts';
import { hashFile, writeInside } from '../workspace/files.ts';
import { connectorEnvironment, helperScript, mypyCache } from './connector.ts';
import type { StageDependencies } from './dependencies.ts';
import { runStaticChecks } from './generate/static-checks.ts';

const MAX_OUTPUT = 4000;
const MAX_FAILING = 10;
const MAX_NAMED = 100;
const MAX_DETAIL_LINES = 40;
const MAX_ONLY = 50;
const PROBE_MS = 20_000;

/** Where things lie on this machine. */
export interface Places {
  readonly environment: PythonEnvironment;
  /** The connector's folder by each of its names: without links first, as Python gives it. */
  readonly folders: readonly string[];
  /** The folder of our own helper scripts, which a traceback may name. */
  readonly scripts: string;
}

/** The connector's places, looked for once for all calls of a tool. */
function placesOf(d: StageDependencies, context: StageContext): () => Promise<Places> {
  let found: Places | undefined;
  return async () => {
    found ??= {
      environment: await connectorEnvironment(d, context),
      folders: [await realpath(context.connectorDir), context.connectorDir],
      scripts: dirname(await helperScript('probe_mock.py')),
    };
    return found;
  };
}

/** Text of a program without what differs from run to run: places on this machine, ports, times, addresses in memory. */
export function settled(text: string, places: Places): string {
  const relative = places.folders.reduce(
    (rest, folder) => rest.replaceAll(`${folder}/`, '').replaceAll(folder, '.'),
    text,
  );
  return relative
    .replaceAll(places.environment.dir, '<environment>')
    .replaceAll(places.scripts, '<sourcewright>')
    .replace(/[^\s"'(=]*[/\\]sourcewright-(?:tests|tool)-\w+(?:[/\\]pytest-of-[^/\\\s]+)?/g, '<temporary>')
    .replace(/(^|[\s"'(=])[/\\][^\s"'(]*[/\\]lib[/\\]python3\.\d+/gm, '$1<python>')
    .replace(/\b(127\.0\.0\.1|localhost|\[::1\]):\d{2,5}\b/g, '$1:<port>')
    .replace(/\b0x[0-9a-f]{6,16}\b/gi, '0x…')
    .replace(/\bin \d+\.\d+ ?s(econds)?\b/g, '');
}

/** A package that is not installed is for the model to correct; all else that keeps an environment away is not. */
function toldOfPackages(error: unknown): never {
  if (error instanceof SourcewrightError && error.cause instanceof UnknownPackages) {
    throw new ToolError(`Refused: ${error.message} Nothing was installed. Use a package that is known.`);
  }
  throw error;
}

/** Compiles, imports, lints and type-checks the connector. */
export function checkTool(d: StageDependencies, context: StageContext): AgentTool {
  const placesFor = placesOf(d, context);
  const tool = betaZodTool({
    name: 'check',
    description:
      'Compiles and imports the connector and runs ruff, its formatter and mypy. Answers what is not clean.',
    inputSchema: z.strictObject({}),
    run: async () => {
      const places = await placesFor().catch(toldOfPackages);
      const dir = context.connectorDir;
      const checks = await runStaticChecks(dir, places.environment, mypyCache(context), context.signal);
      const clean = checks.filter((check) => check.passed).map((check) => check.name);
      const bad = checks.filter((check) => !check.passed);
      return [
        `Clean: ${clean.join(', ') || 'nothing'}.`,
        ...bad.map(
          (check) => `Not clean: ${check.name}\n${excerpt(settled(check.output, places).trim(), MAX_OUTPUT)}`,
        ),
      ].join('\n\n');
    },
  });
  return { tool, changes: false, label: () => 'check' };
}

/** Runs the suite with other arguments than all of it, and keeps what it prints to ourselves. */
function quietRunner(only: readonly string[], write: (text: string) => void): VisibleRunner {
  const runner = new ProcessRunner({ write });
  return {
    run: (command, signal) =>
      runner.run(
        {
          ...command,
          args:
            only.length === 0
              ? command.args
              : command.args.flatMap((arg) => (arg === 'tests' ? only : [arg])),
        },
        signal,
      ),
  };
}

/** Reason why this can't be a test's id: it must name a file of the tests, and can then be no option. */
function notATest(id: string): string | undefined {
  const [path = ''] = id.split('::');
  if (/\p{Cc}/u.test(id)) return 'has a control character';
  if (path !== 'tests' && !path.startsWith('tests/')) return 'does not begin with tests/';
  return new PathPolicy(Roles.none).readable(path);
}

function failure(entry: TestCase, tidy: (text: string) => string): string {
  const lines = tidy(entry.details ?? '')
    .trimEnd()
    .split('\n');
  const message = tidy(entry.message ?? '');
  return [
    `${entry.outcome}: ${entry.id}`,
    ...(message === '' ? [] : [message]),
    ...lines.slice(-MAX_DETAIL_LINES),
  ].join('\n');
}

function reportText(report: TestReport, output: string, tidy: (text: string) => string): string {
  const counts = `${report.total} tests: ${report.passed} passed, ${report.failed} failed, ${report.errors} errors, ${report.skipped} skipped.`;
  const failing = report.cases.filter((entry) => entry.outcome === 'failed' || entry.outcome === 'error');
  const left = failing.slice(MAX_FAILING, MAX_FAILING + MAX_NAMED).map((entry) => entry.id);
  const unusable =
    report.verdict === 'unusable' ? `This says nothing: ${report.reason ?? 'unknown'}.` : undefined;
  return [
    counts,
    ...(unusable === undefined ? [] : [unusable]),
    ...failing.slice(0, MAX_FAILING).map((entry) => failure(entry, tidy)),
    ...(left.length === 0 ? [] : [`These failed as well:\n${left.join('\n')}`]),
    // Without a case there is only what pytest printed: a broken conftest.py, an id that there is not.
    ...(report.total === 0 ? [tidy(output).trim().split('\n').slice(-MAX_DETAIL_LINES).join('\n')] : []),
  ].join('\n\n');
}

/** Runs the connector's tests, all or some. */
export function runTestsTool(d: StageDependencies, context: StageContext): AgentTool {
  const placesFor = placesOf(d, context);
  const tool = betaZodTool({
    name: 'run_tests',
    description: `Runs the connector's tests with pytest. Answers counts, and at most ${MAX_FAILING} failures with their tracebacks.`,
    inputSchema: z.strictObject({
      only: z
        .array(z.string().min(1).max(500))
        .max(MAX_ONLY)
        .optional()
        .describe(
          'Run only these: files or ids, tests/test_read.py or tests/test_read.py::test_x. All by default.',
        ),
    }),
    run: async ({ only = [] }) => {
      for (const id of only) {
        const why = notATest(id);
        if (why !== undefined) throw new ToolError(`Refused: ${JSON.stringify(id)} is no test: ${why}`);
      }
      const places = await placesFor();
      const dir = context.connectorDir;
      const output: string[] = [];
      // A run begins by taking away the results of the stage's own, which are no business of ours.
      const results = await readFile(join(dir, RESULTS_FILE)).catch(() => undefined);
      try {
        const report = await runSuite({
          connectorDir: dir,
          environment: places.environment,
          runner: quietRunner(only, (text) => output.push(text)),
          title: 'Tests for an agent',
          timeoutMs: d.testTimeoutMs ?? DEFAULT_TEST_TIMEOUT_MS,
          signal: context.signal,
          coverage: false,
        });
        return reportText(report, output.join(''), (text) => settled(text, places));
      } finally {
        if (results !== undefined && (await hashFile(join(dir, RESULTS_FILE))) === undefined) {
          await writeInside(dir, RESULTS_FILE, results);
        }
      }
    },
  });
  const label = (input: unknown): string => {
    const only = (input as { readonly only?: unknown } | null | undefined)?.only;
    return Array.isArray(only) && only.length > 0 ? `run ${only.length} of the tests` : 'run the tests';
  };
  return { tool, changes: false, label };
}

const Probed = z.union([
  z.object({
    status: z.number(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
    length: z.number(),
  }),
  z.object({ error: z.string() }),
]);

/** Asks the mock API that the connector's tests run against. */
export function probeTool(d: StageDependencies, context: StageContext, timeoutMs = PROBE_MS): AgentTool {
  const placesFor = placesOf(d, context);
  const tool = betaZodTool({
    name: 'probe_mock',
    description:
      'Sends one GET request to the mock API of the tests (tests/mock_api.py), with valid credentials. ' +
      'The path is below the base URL; the connector itself is not used.',
    inputSchema: z.strictObject({
      path: z
        .string()
        .max(1000)
        .regex(/^\/[^?#\s]*$/, 'a path begins with / and has no query'),
      query: z.record(z.string(), z.string()).optional(),
    }),
    run: async ({ path, query = {} }) => {
      const places = await placesFor();
      const dir = context.connectorDir;
      const script = await helperScript('probe_mock.py');
      const done = await runTool({
        environment: places.environment,
        cwd: dir,
        args: [script, dir],
        input: JSON.stringify({ path, query }),
        timeoutMs,
        signal: context.signal,
      });
      if (done.timedOut) throw new ToolError('probe_mock: the mock API did not answer in time.');
      const answer = Probed.safeParse(parsed(done.stdout));
      if (!answer.success) {
        throw new ToolError(`probe_mock: no answer.\n${excerpt(settled(done.stderr, places), MAX_OUTPUT)}`);
      }
      if ('error' in answer.data) {
        throw new ToolError(`probe_mock: the mock API failed.\n${settled(answer.data.error, places)}`);
      }
      const { status, headers, body, length } = answer.data;
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      const rest = length > body.length ? [`… ${length - body.length} characters left out`] : [];
      return [`status ${status}`, ...head, '', body, ...rest].join('\n');
    },
  });
  const label = (input: unknown): string => {
    const path = (input as { readonly path?: unknown } | null | undefined)?.path;
    return `probe ${typeof path === 'string' ? path.slice(0, 100) : '?'}`;
  };
  return { tool, changes: false, label };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
