/**
 * A process that begins a run or goes on with it, and is killed at one of its records if it is told so: see
 * killed-run.test.ts. The run is that of the connector in miniature, with a mistake in its code.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createAgentRuntime } from '../../../src/agents/runtime.ts';
import { Limits, type PipelineDependencies, type PipelineRun } from '../../../src/pipeline/contracts.ts';
import { openRun, startRun } from '../../../src/pipeline/run.ts';
import { ProcessRunner } from '../../../src/python/process-runner.ts';
import { createAgentsStages } from '../../../src/stages/agents.ts';
import { type AppendFile, nodeFiles } from '../../../src/store/files.ts';
import { findRun } from '../../../src/store/runs.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { LOOPBACK_KEY } from '../loopback/index.ts';
import { ALL_AUTO, drive } from './support.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const [url = '', workspace = '', when = '', name = ''] = process.argv.slice(2);

/** Names of the records that this process has appended, in their order. */
const appended: string[] = [];

/** What a line says, as it would say it in a run that nothing disturbs: `generate-2.jsonl turn 1`. */
function nameOf(path: string, line: string): string {
  const { record } = JSON.parse(line) as { record: Record<string, string | number | undefined> };
  const { type, stage, gate, attempt, turn, id } = record;
  const about = type === 'begin' ? [] : [stage ?? gate, attempt, turn, id];
  return [basename(path), type, ...about].filter((word) => word !== undefined).join(' ');
}

/** Lets the process die with this record: when it is on the disk (`after`), or only its first half (`torn`). */
async function watched(path: string, file: AppendFile): Promise<AppendFile> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  const counts = new Map<string, number>();
  const count = (line: string): string => {
    const plain = nameOf(path, line);
    const nth = (counts.get(plain) ?? 0) + 1;
    counts.set(plain, nth);
    return nth === 1 ? plain : `${plain} #${nth}`;
  };
  lines.forEach(count);
  return {
    ...file,
    append: async (text) => {
      const named = count(text);
      const dies = named === name;
      await file.append(dies && when === 'torn' ? text.slice(0, text.length / 2) : text);
      if (dies) process.kill(process.pid, 'SIGKILL');
      appended.push(named);
    },
  };
}

const openAppend = nodeFiles.openAppend.bind(nodeFiles);
nodeFiles.openAppend = async (path) => watched(path, await openAppend(path));

function dependencies(): PipelineDependencies {
  const log = (): void => undefined;
  const runtime = createAgentRuntime({
    apiKey: () => Promise.resolve(LOOPBACK_KEY),
    baseUrl: url,
    promptsDir: join(root, 'src', 'agents', 'prompts'),
    log,
  });
  const stages = createAgentsStages(
    {
      runner: new ProcessRunner({ write: () => undefined }),
      templateDir: join(root, 'src', 'blueprint', 'template'),
      log,
      environment: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
      compile: () => {
        const good = miniConnector().find((file) => file.path === 'src/tides.py')?.content ?? '';
        return miniConnector({ 'src/tides.py': good.replace('return 1.5 +', 'return 1.7 +') });
      },
    },
    runtime,
  );
  return { stages: () => stages, now: () => new Date(), log };
}

/** What a person does after a crash: the run is begun again where it never came to be, and else opened and resumed. */
async function open(): Promise<PipelineRun> {
  const runDir = await findRun(workspace, 'latest').catch(() => undefined);
  if (runDir !== undefined) {
    const run = await openRun(runDir, dependencies());
    if (run.view().status === 'paused') await run.resume();
    return run;
  }
  return startRun(
    {
      source: { kind: 'description', location: join(workspace, 'harbour.openapi.yaml') },
      workspace,
      outDir: join(workspace, 'connectors'),
      name: 'tides',
      engine: 'agents',
      gates: { ...ALL_AUTO, review: 'ask' },
      limits: Limits.parse({}),
      probe: false,
    },
    dependencies(),
  );
}

async function acceptAll(run: PipelineRun): Promise<void> {
  const review = await run.findings();
  const answered = new Set(review?.answers.map(({ finding }) => finding));
  for (const { id, severity } of review?.findings ?? []) {
    if (severity !== 'info' && !answered.has(id)) await run.answer({ finding: id, answer: 'accepted' });
  }
}

const run = await open();
const view = await drive(run, {}, acceptAll);
await run.dispose();
process.stdout.write(JSON.stringify({ view, appended }));
