/** What the tests of the reader share: folders of files, and small servers on 127.0.0.1. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';

export type Files = Readonly<Record<string, string | Uint8Array | object>>;

/** Writes files into a new folder, gives it to `use`, and takes it away. Objects are written as JSON. */
export async function withFiles<T>(files: Files, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sourcewright-reading-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      const raw = typeof content === 'string' || content instanceof Uint8Array;
      await writeFile(path, raw ? content : JSON.stringify(content));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a server while `use` runs; `use` gets its origin. */
export async function withServer<T>(
  listener: RequestListener,
  use: (origin: string, server: Server) => Promise<T>,
): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The error that a promise rejects with; fails when it does not, or with anything but ours. */
export async function rejection(promise: Promise<unknown>): Promise<SourcewrightError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SourcewrightError) return error;
    throw new Error(`Rejected with something else: ${String(error)}`, { cause: error });
  }
  throw new Error('Did not reject.');
}

/** The least description that can be read. */
export function minimal(extra: object = {}): { openapi: string; [key: string]: unknown } {
  return {
    openapi: '3.1.0',
    info: { title: 'Small', version: '1' },
    servers: [{ url: 'https://api.example.com' }],
    paths: {
      '/things': {
        get: {
          operationId: 'listThings',
          responses: {
            '200': {
              description: 'Things',
              content: {
                'application/json': {
                  schema: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
                },
              },
            },
          },
        },
      },
    },
    components: {
      schemas: {
        Thing: { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } },
      },
    },
    ...extra,
  };
}
