/** Runs a reader: once to verify what it reads, then to see how long it takes. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import type { Reader, Task } from './readers.ts';
import { canonical, type Proof, Prover } from './rows.ts';

const TIMEOUT_MS = 900_000;
const clock = join(import.meta.dirname, 'peers/clock.py');

const Measured = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  peakMb: z.number(),
  code: z.number().int(),
});
export type Measured = z.infer<typeof Measured>;

/** A line of a Singer tap has the row below `record`, one of an Airbyte source below `record.data`. */
const Message = z.object({
  type: z.literal('RECORD'),
  stream: z.string().optional(),
  record: z.record(z.string(), z.unknown()),
});

/** The row that a line holds, if it is a record of the streams that count. */
function rowOf(line: unknown): Record<string, unknown> | undefined {
  const message = Message.safeParse(line);
  if (!message.success) return undefined;
  const { stream, record } = message.data;
  if (!String(stream ?? record['stream']).startsWith('events')) return undefined;
  return stream === undefined ? (record['data'] as Record<string, unknown>) : record;
}

/** Adds the rows of a stream of lines to a prover; a line may also be a list of rows. */
export async function prove(lines: Readable, prover: Prover): Promise<void> {
  for await (const line of createInterface({ input: lines, crlfDelay: Infinity })) {
    if (!line.startsWith('{') && !line.startsWith('[')) continue;
    const parsed: unknown = JSON.parse(line);
    const rows: unknown[] = Array.isArray(parsed) ? parsed : [rowOf(parsed)];
    for (const row of rows) {
      if (typeof row !== 'object' || row === null) continue;
      // Readers of children may say which parent a row is of; the API's row does not.
      const { account_id: _, ...own } = row as Record<string, unknown>;
      prover.add(canonical(own));
    }
  }
}

async function proveFolder(folder: string, prover: Prover): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/^events.*jsonl(\.gz)?$/.test(entry.name)) continue;
    const content = createReadStream(join(entry.parentPath, entry.name));
    await prove(entry.name.endsWith('.gz') ? content.pipe(createGunzip()) : content, prover);
  }
}

async function start(
  reader: Reader,
  task: Task,
  output: string,
  onOutput?: (stream: Readable) => Promise<void>,
): Promise<Measured> {
  const { args, env } = await reader.prepare(task);
  await mkdir(task.dir, { recursive: true });
  const errors = join(task.dir, 'errors.txt');
  const result = join(task.dir, 'clock.json');
  const child = spawn(task.python, [clock, output, errors, result, task.python, ...args], {
    cwd: task.dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', onOutput === undefined ? 'ignore' : 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (onOutput !== undefined && child.stdout !== null) await onOutput(child.stdout);
  const code = await ended;
  if (code !== 0) throw new Error(`${reader.name} was stopped (${String(code)})`);
  const measured = Measured.parse(JSON.parse(await readFile(result, 'utf8')));
  if (measured.code !== 0) {
    const words = (await readFile(errors, 'utf8')).slice(-3000);
    throw new Error(`${reader.name} ended with ${measured.code}: ${words}`);
  }
  return measured;
}

/** Times one read. What it writes to standard output goes nowhere, so that no reader waits for who reads it. */
export async function time(reader: Reader, task: Task): Promise<Measured> {
  try {
    return await start(reader, task, devNull);
  } finally {
    await rm(task.dir, { recursive: true, force: true });
  }
}

/** What one read has read. */
export async function verify(reader: Reader, task: Task): Promise<Proof> {
  const prover = new Prover();
  try {
    const { folder } = await reader.prepare(task);
    if (folder === null) {
      await start(reader, task, '-', (stream) => prove(stream, prover));
    } else {
      await start(reader, task, devNull);
      await proveFolder(folder, prover);
    }
    return prover.proof();
  } finally {
    await rm(task.dir, { recursive: true, force: true });
  }
}
