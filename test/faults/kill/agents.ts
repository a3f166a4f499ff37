/** A run of the engine `agents` whose model is scripted, as a subject to be killed. */
import assert from 'node:assert/strict';
import { LOOPBACK_KEY, LoopbackServer } from '../../agents/loopback/index.ts';
import { HAPPY } from '../../agents/pipeline/harbour.ts';
import { scripts } from '../../agents/pipeline/support.ts';
import type { Subject } from './world.ts';

/** Gives a subject with a server of its own, and closes the server when the work with it is over. */
export async function withAgents<T>(work: (subject: Subject) => Promise<T>): Promise<T> {
  const server = await LoopbackServer.start();
  try {
    const scripted = await scripts(HAPPY);
    server.setScript((request) => scripted.script(request));
    const result = await work({
      description: 'agents/pipeline/fixtures/harbour.openapi.yaml',
      words: ['--engine', 'agents', '--auto', '--mutants', '0', '--no-conformance', '--json'],
      env: { ANTHROPIC_API_KEY: LOOPBACK_KEY, ANTHROPIC_BASE_URL: server.url },
      answered: () => server.totals().requests,
    });
    assert.deepEqual(scripted.missing, []);
    return result;
  } finally {
    await server.close();
  }
}
