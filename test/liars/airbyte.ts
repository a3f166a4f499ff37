/**
 * The third judge of a defect: the standard tests of airbyte-cdk, as `airbyte-cdk connector test` runs them, against a
 * server of the connector's API on this machine.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { dump, load } from 'js-yaml';
import { z } from 'zod';
import { conformanceFolder } from '../../src/conformance/conform.ts';
import type { Verdict } from './generated-tests.ts';
import { run, tail, TIMED_OUT } from './process.ts';

const LIMIT_MS = 180_000;
const root = join(import.meta.dirname, '../..');
const requirements = join(root, 'test/strangers/requirements-airbyte.txt');

const Told = z.object({
  works: z.record(z.string(), z.unknown()),
  wrong: z.record(z.string(), z.unknown()).nullable(),
});
const Acceptance = z.looseObject({
  acceptance_tests: z.looseObject({ connection: z.object({ tests: z.array(z.unknown()) }) }),
});

/** Interpreter of an environment with airbyte-cdk, shared with the judge of strangers and made where it is missing. */
export async function airbyteEnvironment(): Promise<string> {
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const dir = join(root, '.cache/strangers', key);
  const python = join(dir, 'bin/python');
  if (existsSync(join(dir, 'complete'))) return python;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dirname(dir), { recursive: true });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  for (const [file, args] of [
    [process.env['SOURCEWRIGHT_PYTHON'] ?? 'python3', ['-m', 'venv', dir]],
    [python, pip],
  ] as const) {
    const done = await run(file, args, root);
    if (done.code !== 0) throw new Error(`${file} ${args.join(' ')}\n${tail(done.output)}`);
  }
  await writeFile(join(dir, 'complete'), '');
  return python;
}

/**
 * Runs airbyte-cdk's tests over a connector. `python` has the connector's own packages and runs the server, `airbyte`
 * has airbyte-cdk. The folder is written to: configurations, and where they are told of.
 */
export async function airbyteTests(python: string, airbyte: string, dir: string): Promise<Verdict> {
  const server = spawn(python, [join(import.meta.dirname, 'serve.py'), dir], {
    env: { ...process.env, PYTHONPATH: conformanceFolder(), PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await configure(dir, Told.parse(JSON.parse(await firstLine(server))));
    // The package as an installation would have it, without one for each defect.
    const site = join(dirname(dir), `${basename(dir)}-site`);
    await rm(site, { recursive: true, force: true });
    await mkdir(site);
    await symlink(join(dir, 'src'), join(site, basename(dir).replaceAll('-', '_')));
    const words = ['--pytest-arg=-m', '--pytest-arg=not image_tests', '--pytest-arg=-x', '--pytest-arg=-rfE'];
    const done = await run(join(dirname(airbyte), 'airbyte-cdk'), ['connector', 'test', dir, ...words], dir, {
      limitMs: LIMIT_MS,
      environment: { PYTHONPATH: site, PYTHONDONTWRITEBYTECODE: '1' },
    });
    await rm(site, { recursive: true, force: true });
    if (done.code === TIMED_OUT) return { killed: true, by: 'time limit' };
    if (done.code === 0 && /\d+ passed/.test(done.output)) return { killed: false, by: 'all passed' };
    const noticed = /^(?:FAILED|ERROR) (\S+)/m.exec(done.output)?.[1];
    if (noticed === undefined) throw new Error(`airbyte-cdk did not run:\n${tail(done.output)}`);
    return { killed: true, by: noticed };
  } finally {
    const ended = new Promise((resolve) => server.once('close', resolve));
    server.stdin.end();
    await ended;
  }
}

async function firstLine(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('The server has no output.');
  for await (const line of createInterface({ input: server.stdout })) return line;
  throw new Error('The server ended before it said where it is.');
}

/** Writes the configurations to try, and adds that with wrong credentials to those that must be refused. */
async function configure(dir: string, { works, wrong }: z.infer<typeof Told>): Promise<void> {
  await mkdir(join(dir, 'secrets'), { recursive: true });
  await writeFile(join(dir, 'secrets/config.json'), JSON.stringify(works));
  if (wrong === null) return;
  await writeFile(join(dir, 'secrets/wrong.json'), JSON.stringify(wrong));
  const path = join(dir, 'acceptance-test-config.yml');
  const acceptance = Acceptance.parse(load(await readFile(path, 'utf8')));
  acceptance.acceptance_tests.connection.tests.push({ config_path: 'secrets/wrong.json', status: 'failed' });
  await writeFile(path, dump(acceptance));
}
