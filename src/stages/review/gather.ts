/** What rules find in a connector: ruff and mypy with our own choice of rules, secrets, our checks, the test stages. */
import { z } from 'zod';
import {
  DiagnoseResult,
  type Finding,
  Finding as FindingSchema,
  type StageContext,
  type StaticCheck,
  TestReport,
} from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool, type ToolResult } from '../../python/tools.ts';
import { listFiles } from '../../workspace/files.ts';
import { helperScript, mypyCache } from '../connector.ts';
import { credentialsIn } from '../credentials.ts';
import type { StageDependencies } from '../dependencies.ts';
import type { FindingDraft } from '../findings.ts';
import { toStaticCheck } from '../generate/static-checks.ts';
import { keepRuleTexts } from './explain.ts';
import { mypyFindings } from './mypy.ts';
import { RUFF_ARGUMENTS, ruffFindings } from './ruff.ts';

const OwnFindings = z.object({
  findings: z.array(
    FindingSchema.pick({ rule: true, severity: true, category: true, message: true }).extend({
      file: z.string(),
      line: z.number(),
      end: z.number(),
    }),
  ),
});

export interface Gathered {
  readonly drafts: FindingDraft[];
  readonly tools: StaticCheck[];
}

/** A tool that did not work is an error of the review, not an empty list of findings. */
function broken(tool: string, result: ToolResult, cause?: unknown): SourcewrightError {
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-3).join('\n');
  return new SourcewrightError('environment', `${tool} could not review the connector: ${said}`, {
    cure: 'Correct what it names (often an invalid pyproject.toml), then resume.',
    cause,
  });
}

async function runRuff(
  dir: string,
  run: (args: readonly string[]) => Promise<ToolResult>,
): Promise<Gathered> {
  const result = await run(RUFF_ARGUMENTS);
  if (result.exitCode !== 0) throw broken('ruff', result);
  try {
    const drafts = await ruffFindings(dir, result);
    const summary = { ...result, stdout: `${drafts.length} findings` };
    return {
      drafts,
      tools: [
        {
          ...toStaticCheck('ruff', summary, 'python -m ruff check src tests (with our own choice of rules)'),
          passed: drafts.length === 0,
        },
      ],
    };
  } catch (error) {
    throw broken('ruff', result, error);
  }
}

async function runMypy(
  cacheDir: string,
  run: (args: readonly string[]) => Promise<ToolResult>,
): Promise<Gathered> {
  const result = await run(['-m', 'mypy', `--cache-dir=${cacheDir}`, '--strict', '--output=json', 'src']);
  const drafts = mypyFindings(result);
  // 1 = findings, 2 = it could not work; a syntax error gives 2 and a finding.
  if (result.exitCode !== 0 && drafts.length === 0 && result.exitCode !== 1) throw broken('mypy', result);
  return { drafts, tools: [toStaticCheck('mypy', result, 'python -m mypy --strict src')] };
}

async function runOwnChecks(
  script: string,
  dir: string,
  run: (args: readonly string[]) => Promise<ToolResult>,
): Promise<FindingDraft[]> {
  const result = await run(['-I', script, dir]);
  try {
    return OwnFindings.parse(JSON.parse(result.stdout)).findings.map(({ line, end, ...rest }) => ({
      ...rest,
      source: 'checks' as const,
      startLine: line,
      endLine: end,
    }));
  } catch (error) {
    throw broken('The checks for connectors', result, error);
  }
}

async function secretFindings(d: StageDependencies, context: StageContext): Promise<FindingDraft[]> {
  const { files } = await listFiles(context.connectorDir);
  return (await credentialsIn(d, context, files)).map((hit) => ({
    rule: 'secret',
    source: 'secrets' as const,
    severity: 'error' as const,
    category: 'security' as const,
    message: `This looks like a real credential (${hit.kind}).`,
    file: hit.file,
    startLine: hit.line,
  }));
}

/** What the test stages found about the suite belongs to the review as well; places are looked up anew. */
async function suiteFindings(context: StageContext): Promise<FindingDraft[]> {
  const report = await context.readArtifact('test-report.json', TestReport);
  const diagnosis = await context.readArtifact('diagnosis.json', DiagnoseResult);
  const findings: Finding[] = [...(report?.integrity ?? []), ...(diagnosis?.vacuous ?? [])];
  return findings.map(({ id: _id, excerpt: _excerpt, range, ...rest }) => ({ ...rest, ...range }));
}

/**
 * All that rules find.
 * @throws SourcewrightError `environment` when a tool can't do its work
 */
export async function gatherFindings(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<Gathered> {
  const dir = context.connectorDir;
  const run = (args: readonly string[]): Promise<ToolResult> =>
    runTool({ environment, cwd: dir, writable: [mypyCache(context)], args, signal: context.signal });
  context.progress('Reading the code with ruff, mypy, a scan for secrets and the checks for connectors.');
  const script = await helperScript('check_connector.py');
  const [ruff, mypy, own, secrets, suite] = await Promise.all([
    runRuff(dir, run),
    runMypy(mypyCache(context), run),
    runOwnChecks(script, dir, run),
    secretFindings(d, context),
    suiteFindings(context),
  ]);
  await keepRuleTexts(context, ruff.drafts, run);
  return {
    drafts: [...ruff.drafts, ...mypy.drafts, ...own, ...secrets, ...suite],
    tools: [...ruff.tools, ...mypy.tools],
  };
}
