/** The API in a process of its own, as the runner sees it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Proof } from './rows.ts';
import { ProofAnswer, ServerCounts, type ServerOptions } from './server.ts';

export interface RunningApi {
  /** Base address of the API whose lists have so many pages. */
  urlOf(pages: number): string;
  /** What a reader of so many pages of each list must have read. */
  proof(pages: number, since: string | null): Promise<Proof>;
  counts(): Promise<ServerCounts>;
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function startApi(options: ServerOptions): Promise<RunningApi> {
  const server = join(import.meta.dirname, 'server.ts');
  const args = ['--import', 'tsx', '--max-old-space-size=4096', server, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const said = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), closed]);
  const url = String(said[0]);
  if (!url.startsWith('http')) throw new Error('The API did not start.');
  const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  return {
    urlOf: (pages) => `${url}/first/${pages}`,
    proof: async (pages, since) => {
      const query = since === null ? '' : `?updated_since=${encodeURIComponent(since)}`;
      return ProofAnswer.parse(await get(`/first/${pages}/proof${query}`));
    },
    counts: async () => ServerCounts.parse(await get('/counts')),
    reset: async () => {
      await get('/reset');
    },
    close: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
