/**
 * Review without a model: ruff and mypy with our own choice of rules, a scan for secrets, our checks for connectors, and
 * what the test stages found about the suite. Same code, same findings, same ids.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import type { Blueprint } from '../../blueprint/schema.ts';
import {
  DiagnoseResult,
  type Finding,
  Finding as FindingSchema,
  Review,
  type Stage,
  type StageContext,
  type StageOutcome,
  type StaticCheck,
  TestReport,
} from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import { runTool, type ToolResult } from '../../python/tools.ts';
import { listFiles } from '../../workspace/files.ts';
import { scanFiles } from '../../workspace/secrets.ts';
import { connectorEnvironment, helperScript, mypyCache, readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { finishFindings, type FindingDraft } from '../findings.ts';
import { toStaticCheck } from '../generate/static-checks.ts';
import { muteRejected, rememberRejections } from './ledger.ts';
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

interface Gathered {
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

async function secretFindings(dir: string): Promise<FindingDraft[]> {
  const { files } = await listFiles(dir);
  return (await scanFiles(dir, files)).map((hit) => ({
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

/** Values that a person struck out leave a hole that only more research can fill. */
function struckFacts(blueprint: Blueprint): string[] {
  const selected = new Set(
    blueprint.streams.filter((stream) => stream.selected).map((stream) => stream.name),
  );
  return blueprint.facts
    .filter((fact) => fact.status === 'struck' && (fact.subject === null || selected.has(fact.subject)))
    .map((fact) => `${fact.fact} of ${fact.subject ?? 'the API'} (struck: ${fact.value})`);
}

/** Secrets must never reach an artifact: the excerpt of such a finding is blacked out. */
function withoutSecrets(findings: readonly Finding[]): Finding[] {
  return findings.map((finding) =>
    finding.rule === 'secret' ? { ...finding, excerpt: '(not shown)' } : finding,
  );
}

async function review(d: StageDependencies, context: StageContext): Promise<StageOutcome<'review'>> {
  const dir = context.connectorDir;
  const connector = basename(dir);
  const prior = await context.readArtifact('review.json', Review);
  if (prior !== undefined) await rememberRejections(context.request.workspace, connector, prior);
  const environment = await connectorEnvironment(d, context);
  const run = (args: readonly string[]): Promise<ToolResult> =>
    runTool({ environment, cwd: dir, args, signal: context.signal });
  context.progress('Reading the code with ruff, mypy, a scan for secrets and the checks for connectors.');
  const script = await helperScript(d, 'check_connector.py');
  const [ruff, mypy, own, secrets, suite] = await Promise.all([
    runRuff(dir, run),
    runMypy(mypyCache(context), run),
    runOwnChecks(script, dir, run),
    secretFindings(dir),
    suiteFindings(context),
  ]);
  const drafts = [...ruff.drafts, ...mypy.drafts, ...own, ...secrets, ...suite];
  const all = withoutSecrets(await finishFindings(dir, drafts));
  const findings = await muteRejected(context.request.workspace, connector, all);
  const known = new Set(findings.map((finding) => finding.id));
  const answers = (prior?.answers ?? []).filter(
    (entry) => entry.answer === 'rejected' && known.has(entry.finding),
  );
  const rejected = new Set(answers.map((entry) => entry.finding));
  const blocking = findings.filter((finding) => finding.severity !== 'info' && !rejected.has(finding.id));
  const struck = struckFacts((await readBrief(context)).blueprint);
  const decision = struck.length > 0 ? 'needs_research' : blocking.length > 0 ? 'needs_work' : 'clean';
  const ledger: Review = {
    schemaVersion: 1,
    cycle: (prior?.cycle ?? 0) + 1,
    decision,
    findings,
    answers,
    tools: [...ruff.tools, ...mypy.tools],
  };
  await context.writeArtifact('review.json', ledger);
  context.progress(
    blocking.length === 0
      ? `Clean: nothing that must be answered${findings.length > 0 ? ` (${findings.length} notes)` : ''}.`
      : `${blocking.length} findings to answer, ${findings.length - blocking.length} notes.`,
  );
  return {
    status: 'done',
    result: {
      decision,
      findings: findings.length,
      blocking: blocking.length,
      ...(struck.length > 0 ? { question: `Find out again: ${struck.join('; ')}.` } : {}),
    },
  };
}

/** The stage *review* of the engine `rules`. */
export function createRulesReview(d: StageDependencies): Stage<'review'> {
  return { name: 'review', run: (context) => review(d, context) };
}
