/** A run that is killed after any write, or in the middle of one, ends as one that was never disturbed. */
import assert from 'node:assert/strict';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type {
  PipelineRun,
  Review,
  RunView,
  StageContext,
  StageName,
} from '../../../src/pipeline/contracts.ts';
import { openRun, startRun } from '../../../src/pipeline/run.ts';
import { type AppendFile, type Files, nodeFiles } from '../../../src/store/files.ts';
import {
  dependencies,
  diagnosed,
  done,
  finding,
  generated,
  request,
  reviewed,
  type Script,
  scripted,
  temporaryFolder,
  tested,
  type Trace,
} from './scripted.ts';

/**
 * A process that is killed at the n-th write: nothing that is asked of the disk afterwards ever happens. It does not
 * wait for the disk, for a killed process loses nothing that the system has taken: that makes the test fast.
 */
class DyingFiles implements Files {
  readonly died: Promise<void>;
  writes = 0;
  #die: () => void = () => undefined;
  readonly #at: number;
  readonly #torn: boolean;
  readonly #open: FileHandle[] = [];

  constructor(at: number, torn: boolean) {
    this.#at = at;
    this.#torn = torn;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** Does a write; if it is the last, `torn` of it is all that reaches the disk, and nobody hears of it. */
  async #write(whole: () => Promise<void>, torn: () => Promise<void>): Promise<void> {
    if (this.writes >= this.#at) return forever();
    this.writes += 1;
    if (this.writes < this.#at) return whole();
    await (this.#torn ? torn() : whole());
    this.#die();
    return forever();
  }

  read(path: string): Promise<Buffer | undefined> {
    return this.writes >= this.#at ? forever() : nodeFiles.read(path);
  }

  writeAtomic(path: string, content: string | Uint8Array): Promise<void> {
    // The views are written when their time has come: counting them would make the n-th write another one each time.
    if (/(run|usage)\.json$/.test(path)) return Promise.resolve();
    return this.#write(
      async () => {
        await writeFile(`${path}.1111.tmp`, content);
        await rename(`${path}.1111.tmp`, path);
      },
      () => writeFile(`${path}.0000.tmp`, String(content).slice(0, 10)),
    );
  }

  /** What the system does for a process that has died. */
  async closeAll(): Promise<void> {
    for (const file of this.#open) await file.close().catch(() => undefined);
  }

  async openAppend(path: string): Promise<AppendFile> {
    const file = await open(path, 'a');
    this.#open.push(file);
    return {
      append: (text) =>
        this.#write(
          () => file.appendFile(text),
          () => file.appendFile(text.slice(0, Math.ceil(text.length / 2))),
        ),
      truncate: (bytes) => file.truncate(bytes),
      close: () => file.close(),
    };
  }
}

function forever<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** What the outcome of each attempt is: a fixed plan, so that disturbed and undisturbed runs can be compared. */
interface Plan {
  readonly diagnoses: readonly ('code' | 'tests' | 'environment' | 'pass')[];
  readonly reviews: readonly ('clean' | 'needs_work' | 'needs_research')[];
}

/** Every stage leaves something behind: an artifact, and a file of the connector. */
function planned({ diagnoses, reviews }: Plan): Script {
  const verdict = (attempt: number): Plan['diagnoses'][number] => diagnoses[attempt - 1] ?? 'pass';
  const leave = async (context: StageContext, stage: StageName): Promise<void> => {
    const { mode, attempt, feedback, draft } = context;
    await context.writeArtifact(`${stage}-${attempt}.json`, { mode, attempt, feedback, draft });
    await mkdir(context.connectorDir, { recursive: true });
    await writeFile(join(context.connectorDir, `${stage}.txt`), `${mode} ${attempt}`);
  };
  const usual = scripted();
  return {
    async research(context) {
      await leave(context, 'research');
      return usual.research.run(context);
    },
    async generate(context) {
      await leave(context, 'generate');
      return done(generated([`${context.attempt}.py`]));
    },
    async test(context) {
      await leave(context, 'test');
      return done(verdict(context.attempt) === 'pass' ? tested() : tested([`t${context.attempt}`]));
    },
    async diagnose(context) {
      await leave(context, 'diagnose');
      return done(diagnosed(verdict(context.attempt)));
    },
    async review(context) {
      const decision = reviews[context.attempt - 1] ?? 'clean';
      const findings = decision === 'needs_work' ? [finding(`f${context.attempt}`), finding('again')] : [];
      const { attempt: cycle } = context;
      const review: Review = { schemaVersion: 1, cycle, decision, findings, answers: [], tools: [] };
      await context.writeArtifact('review.json', review);
      return done(reviewed(decision, findings.length));
    },
    async publish(context) {
      await leave(context, 'publish');
      return usual.publish.run(context);
    },
  };
}

/** A person who always answers the same in the same place. Returns when there is nothing more to do. */
async function drive(run: PipelineRun, reloads: { count: number }): Promise<RunView> {
  for (let turns = 0; turns < 60; turns += 1) {
    const view = await run.settled();
    if (view.status === 'waiting' && view.gate !== null) await decide(run, view);
    else if (view.status !== 'paused') return view;
    else if (view.pause?.cause === 'stuck') return view;
    else {
      if (view.pause?.cause === 'reload') reloads.count += 1;
      await run.resume();
    }
  }
  throw new Error('The run never ends.');
}

async function decide(run: PipelineRun, view: RunView): Promise<void> {
  const { gate } = view;
  assert.ok(gate !== null);
  if (gate === 'review') {
    for (const { id } of (await run.findings())?.findings ?? []) {
      await run.answer({ finding: id, answer: id === 'again' ? 'rejected' : 'accepted' });
    }
  }
  const firstCode = gate === 'code' && view.stages[1]?.attempt === 1;
  await run.decide(
    gate,
    firstCode ? { kind: 'request_changes', feedback: 'Shorter names.' } : { kind: 'approve' },
  );
}

async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (/(journal\.jsonl|run\.json|usage\.json|\.tmp|lock)$/.test(path)) continue;
    found[path.slice(folder.length)] = await readFile(path, 'utf8');
  }
  return found;
}

/** What must be the same in the end. */
interface End {
  readonly status: string;
  readonly stages: unknown;
  readonly counts: unknown;
  readonly pause: unknown;
  readonly artifacts: Record<string, string>;
  readonly connector: Record<string, string>;
}

async function endOf(view: RunView): Promise<End> {
  const { status, counts, pause, runDir, connectorDir } = view;
  const stages = view.stages.map(({ stage, state, mode, attempt, note, artifacts }) => ({
    stage,
    state,
    mode,
    attempt,
    note,
    artifacts,
  }));
  const connector = await contents(connectorDir ?? '');
  return { status, stages, counts, pause, artifacts: await contents(runDir), connector };
}

const GATES = { research: 'auto', publish: 'auto', draft: 'auto', tests: 'auto' } as const;

/** Runs the plan, losing power after each of these numbers of writes. */
async function runPlan(
  plan: Plan,
  deaths: readonly { after: number; torn: boolean }[],
): Promise<{ end: End; trace: Trace; writes: number; deaths: number }> {
  const folder = await temporaryFolder();
  const trace: Trace = [];
  const reloads = { count: 0 };
  let died = 0;
  let runDir: string | undefined;
  try {
    for (const { after, torn } of [...deaths, { after: Infinity, torn: false }]) {
      const files = new DyingFiles(after, torn);
      const d = dependencies(scripted(planned(plan), trace), { files });
      const living = async (): Promise<RunView> => {
        const run = await (runDir === undefined
          ? startRun(request(folder.path, { gates: GATES }), d)
          : openRun(runDir, d));
        runDir = run.view().runDir;
        const view = await drive(run, reloads);
        await run.dispose();
        return view;
      };
      const view = await Promise.race([living(), files.died.then(() => undefined)]);
      if (view !== undefined) {
        return { end: await endOf(view), trace, writes: files.writes, deaths: died };
      }
      died += 1;
      await files.closeAll();
      // This process lives on, so the lock of the dead one looks alive: a killed process would leave a stale one.
      if (runDir === undefined) {
        await rm(join(folder.path, '.sourcewright'), { recursive: true });
      } else {
        await rm(join(runDir, 'lock'), { force: true });
        await rm(join(folder.path, '.sourcewright', 'locks'), { recursive: true, force: true });
      }
    }
    throw new Error('The last run did not end.');
  } finally {
    await folder.remove();
  }
}

/** How often each step ran more than once. */
function repeated(trace: Trace): number {
  return trace.length - new Set(trace).size;
}

/** So many killed runs are tried side by side: they mostly wait for the disk. */
const AT_ONCE = 12;

const WINDING: Plan = {
  diagnoses: ['code', 'tests', 'environment', 'pass', 'code', 'pass'],
  reviews: ['needs_work', 'needs_research', 'needs_work', 'clean'],
};

describe('a run whose process is killed', () => {
  for (const torn of [false, true]) {
    it(`${torn ? 'in the middle of' : 'right after'} any one write ends as if nothing had happened`, async function () {
      this.timeout(120_000);
      const calm = await runPlan(WINDING, []);
      assert.equal(calm.end.status, 'published');
      assert.equal(repeated(calm.trace), 0);
      assert.ok(calm.writes > 70, `${calm.writes} writes`);
      const killedAt = async (after: number): Promise<void> => {
        const { end, trace, deaths } = await runPlan(WINDING, [{ after, torn }]);
        assert.equal(deaths, 1);
        assert.deepEqual(end, calm.end, `killed at write ${after}`);
        assert.ok(repeated(trace) <= 1, `killed at write ${after}: ${repeated(trace)} steps ran twice`);
        assert.deepEqual([...new Set(trace)], calm.trace);
      };
      const all = Array.from({ length: calm.writes }, (_, index) => index + 1);
      while (all.length > 0) await Promise.all(all.splice(0, AT_ONCE).map(killedAt));
    });
  }

  it('again and again, at random writes, with random outcomes, ends as if nothing had happened', async function () {
    this.timeout(180_000);
    const plan = fc.record({
      diagnoses: fc.array(fc.constantFrom('code', 'tests', 'environment', 'pass', 'pass'), { maxLength: 8 }),
      reviews: fc.array(fc.constantFrom('clean', 'needs_work', 'needs_research'), { maxLength: 4 }),
    });
    const deaths = fc.array(fc.record({ after: fc.integer({ min: 1, max: 25 }), torn: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(plan, deaths, async (chosen, killed) => {
        const calm = await runPlan(chosen, []);
        const disturbed = await runPlan(chosen, killed);
        assert.deepEqual(disturbed.end, calm.end);
        assert.deepEqual([...new Set(disturbed.trace)], calm.trace);
        assert.ok(repeated(disturbed.trace) <= disturbed.deaths);
      }),
      { numRuns: 40 },
    );
  });
});
