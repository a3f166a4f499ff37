/**
 * The process in which descriptions are read, understood and compiled: what hangs or runs out of memory takes this process
 * with it and nothing else. It is sent a case and says what came of it.
 */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import yaml from 'js-yaml';
import { type CompiledFile, compileConnector } from '../../src/blueprint/compiler/compile.ts';
import { Blueprint } from '../../src/blueprint/schema.ts';
import { SourcewrightError } from '../../src/errors.ts';
import { buildDescription } from '../../src/openapi/build.ts';
import { inspectionText } from '../../src/openapi/inspect.ts';
import { buildBlueprint } from '../../src/openapi/rules/blueprint.ts';
import { referenceLoader } from '../../src/openapi/load.ts';
import { mutated } from './mutate.ts';
import { parsedSource } from './sources.ts';

export interface Case {
  readonly index: number;
  readonly path: string;
  readonly seed: number;
}
export interface Judged {
  readonly index: number;
  /** `compiled` and `nothing to read` went through; `refused` with an error for the person; `crashed` is a defect. */
  readonly outcome: 'compiled' | 'nothing to read' | 'refused' | 'crashed';
  readonly detail: string;
  readonly changes: readonly string[];
  readonly ms: number;
  /** Of this process, at its highest so far, in MB. */
  readonly rssMb: number;
}

const HERE = import.meta.dirname;
const TEMPLATE = join(HERE, '../../src/blueprint/template');
/** No file of that name is there; what references name is looked for beside it, below this folder. */
const LOCATION = join(HERE, 'api.json');

class PythonJudge {
  readonly #python: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterableIterator<string>;

  constructor() {
    this.#python = spawn(process.env['SOURCEWRIGHT_PYTHON'] ?? 'python3', [
      '-u',
      join(HERE, 'check_files.py'),
    ]);
    this.#python.stderr.pipe(process.stderr);
    this.#lines = createInterface(this.#python.stdout)[Symbol.asyncIterator]();
  }

  /** What is wrong with the files, a line for each. */
  async wrong(files: readonly CompiledFile[]): Promise<string[]> {
    this.#python.stdin.write(`${JSON.stringify(files)}\n`);
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value) as string[];
  }
}

const judge = new PythonJudge();

/** Nothing may have reached the prototypes that all objects share. */
function assertUnpolluted(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as Record<string, unknown>)['type'], undefined);
}

function paths(files: readonly CompiledFile[]): string[] {
  const safe = /^(?:[\w.-]+\/)*[\w.-]+$/;
  return files.flatMap(({ path }) =>
    safe.test(path) && !path.split('/').includes('..') ? [] : [`a path that leads elsewhere: ${path}`],
  );
}

function yamlFiles(files: readonly CompiledFile[]): string[] {
  return files.flatMap(({ path, content }) => {
    if (!/\.ya?ml$/.test(path)) return [];
    try {
      yaml.load(content, { schema: yaml.CORE_SCHEMA });
      return [];
    } catch (error) {
      return [`${path}: ${String(error)}`];
    }
  });
}

type Verdict = Pick<Judged, 'outcome' | 'detail'>;

async function through(bytes: Uint8Array): Promise<Verdict> {
  const load = referenceLoader(LOCATION, LOCATION, {});
  const built = buildBlueprint(await buildDescription({ bytes, location: LOCATION }, load), {});
  const text = JSON.stringify(built);
  const blueprint = Blueprint.parse(JSON.parse(text));
  assert.equal(
    JSON.stringify(Blueprint.parse(blueprint)),
    JSON.stringify(blueprint),
    'the schema changes a blueprint',
  );
  inspectionText(blueprint, 1);
  if (!blueprint.streams.some(({ selected }) => selected)) return { outcome: 'nothing to read', detail: '' };
  const files = compileConnector(blueprint, { templateDir: TEMPLATE });
  const again = compileConnector(structuredClone(blueprint), { templateDir: TEMPLATE });
  assert.deepEqual(again, files, 'the same blueprint gives other files');
  const wrong = [...paths(files), ...yamlFiles(files), ...(await judge.wrong(files))];
  return wrong.length === 0
    ? { outcome: 'compiled', detail: `${files.length} files` }
    : { outcome: 'crashed', detail: wrong.slice(0, 5).join('\n') };
}

async function verdict(bytes: Uint8Array): Promise<Verdict> {
  try {
    const found = await through(bytes);
    assertUnpolluted();
    return found;
  } catch (error) {
    const meant = error instanceof SourcewrightError && error.code === 'input';
    if (meant) return { outcome: 'refused', detail: error.message };
    return {
      outcome: 'crashed',
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

process.on('message', (one: Case) => {
  void (async () => {
    const { bytes, changes } = mutated(parsedSource(one.path) ?? {}, one.seed);
    const started = performance.now();
    const found = await verdict(bytes);
    const ms = performance.now() - started;
    const rssMb = process.resourceUsage().maxRSS / 1024;
    process.send?.({ index: one.index, ...found, changes, ms, rssMb } satisfies Judged);
  })();
});
process.send?.('ready');
