import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { isPublicAddress, publicLookup } from '../../../src/openapi/addresses.ts';
import { get, publicUrl } from '../../../src/openapi/http.ts';
import { readDescription } from '../../../src/openapi/read.ts';
import { minimal, rejection, withServer } from './support.ts';

const TEXT = JSON.stringify(minimal());

/** A server that answers by path. */
function routes(table: Readonly<Record<string, RequestListener>>): RequestListener {
  return (request, response) => {
    const route = table[new URL(request.url ?? '/', 'http://x').pathname];
    if (route === undefined) response.writeHead(404).end('nothing here');
    else route(request, response);
  };
}

const redirect =
  (location: string, status = 302): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { location }).end();
  };

describe('descriptions from URLs', () => {
  it('are read, compressed or not', async () => {
    const compressed =
      (encoding: string, bytes: Buffer): RequestListener =>
      (_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(bytes);
      };
    const server = routes({
      '/plain': (_request, response) => response.end(TEXT),
      '/gzip': compressed('gzip', gzipSync(TEXT)),
      '/deflate': compressed('deflate', deflateSync(TEXT)),
      '/br': compressed('br', brotliCompressSync(TEXT)),
    });
    await withServer(server, async (origin) => {
      for (const path of ['/plain', '/gzip', '/deflate', '/br']) {
        const description = await readDescription(origin + path);
        assert.equal(description.location, origin + path);
        assert.equal(description.bytes, TEXT.length);
      }
    });
  });

  it('are found through redirects, and know where they ended', async () => {
    const server = routes({
      '/': redirect('/a'),
      '/a': redirect('v2/b.json', 308),
      '/v2/b.json': (_q, r) => r.end(TEXT),
    });
    await withServer(server, async (origin) => {
      assert.equal((await readDescription(origin)).location, `${origin}/v2/b.json`);
    });
  });

  it('are given up after five redirects', async () => {
    let asked = 0;
    const server: RequestListener = (_request, response) => {
      asked += 1;
      response.writeHead(302, { location: `/${asked}` }).end();
    };
    await withServer(server, async (origin) => {
      const error = await rejection(readDescription(origin));
      assert.equal(error.code, 'remote');
      assert.match(error.message, /more than 5 times/);
      assert.equal(asked, 6);
    });
  });

  for (const [status, code, message, retry] of [
    [401, 'remote', /401/, false],
    [403, 'remote', /403/, false],
    [404, 'remote', /404/, false],
    [429, 'remote', /429/, true],
    [500, 'remote', /500/, true],
  ] as const) {
    it(`are refused with what the server said: ${status}`, async () => {
      await withServer(
        (_request, response) => response.writeHead(status).end('<html>'),
        async (origin) => {
          const error = await rejection(readDescription(`${origin}/openapi.json?token=hush`));
          assert.equal(error.code, code);
          assert.match(error.message, message);
          assert.equal(error.retry, retry);
          assert.equal(error.where, `${origin}/openapi.json?token=***`);
          assert.ok(error.cure);
        },
      );
    });
  }

  it('are refused when nothing answers', async () => {
    const gone = await withServer(
      () => undefined,
      (origin) => Promise.resolve(origin),
    );
    const error = await rejection(readDescription(gone));
    assert.equal(error.code, 'remote');
    assert.match(error.message, /refuses the connection/);
    assert.equal(error.retry, true);
    const unknown = await rejection(readDescription('http://nowhere.invalid/openapi.json'));
    assert.equal(unknown.code, 'remote');
  });

  it('are refused when they take too long, also in drops', async () => {
    const server = routes({
      '/silent': () => undefined,
      '/drops': (_request, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => {
          clearInterval(timer);
        });
      },
    });
    await withServer(server, async (origin) => {
      for (const path of ['/silent', '/drops']) {
        const error = await rejection(readDescription(origin + path, { timeoutMs: 200 }));
        assert.equal(error.code, 'remote');
        assert.match(error.message, /No full answer/);
        assert.equal(error.retry, true);
      }
    });
  });

  it('are refused when they are too large: announced, streamed or unpacked', async () => {
    let sent = 0;
    const server = routes({
      '/announced': (_request, response) => {
        response.writeHead(200, { 'content-length': '200000000' });
        response.write('{');
      },
      '/streamed': (_request, response) => {
        const more = (): void => {
          if (response.destroyed || sent > 200_000_000) return;
          sent += 65_536;
          response.write(Buffer.alloc(65_536, 32), () => setImmediate(more));
        };
        more();
      },
      '/unpacked': (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(20_000_000, 32)));
      },
    });
    await withServer(server, async (origin) => {
      for (const path of ['/announced', '/streamed', '/unpacked']) {
        const error = await rejection(readDescription(origin + path, { maxBytes: 1_000_000 }));
        assert.equal(error.code, 'input', path);
        assert.match(error.message, /larger than the limit/);
      }
      assert.ok(sent < 20_000_000, 'stopped taking what was sent');
    });
  });

  it('are cut off with an error when the server goes away', async () => {
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-length': '5000' });
        response.write('{"openapi"');
        setTimeout(() => response.destroy(), 20);
      },
      async (origin) => {
        const error = await rejection(readDescription(origin));
        assert.equal(error.code, 'remote');
      },
    );
  });

  it('say what an HTML page is', async () => {
    await withServer(
      (_request, response) => response.end('<!doctype html><title>Docs</title>'),
      async (origin) => {
        const error = await rejection(readDescription(origin));
        assert.equal(error.code, 'input');
        assert.match(error.message, /HTML page/);
      },
    );
  });

  it('keep no user, password or secret of their URL', async () => {
    let authorization: string | undefined;
    await withServer(
      (request, response) => {
        authorization = request.headers.authorization;
        response.end(TEXT);
      },
      async (origin) => {
        const url = `${origin.replace('http://', 'http://me:word@')}/openapi.json?api_key=hush&format=json`;
        const description = await readDescription(url);
        assert.equal(description.location, `${origin}/openapi.json?api_key=***&format=json`);
        assert.equal(authorization, `Basic ${Buffer.from('me:word').toString('base64')}`);
      },
    );
    assert.equal(publicUrl('https://a:b@c.example/x?sig=1&page=2'), 'https://c.example/x?sig=***&page=2');
  });
});

describe('private addresses', () => {
  it('are told from public ones, however they are written', () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'not an address',
    ]) {
      assert.equal(isPublicAddress(address), false, address);
    }
    for (const address of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8']) {
      assert.equal(isPublicAddress(address), true, address);
    }
  });

  it("are refused by the connection's own lookup", async () => {
    const error = await new Promise<Error | null>((resolve) => {
      publicLookup('localhost', {}, (failure) => {
        resolve(failure);
      });
    });
    assert.equal(error?.name, 'PrivateAddressError');
  });

  it('may be read when the person gave them, but no redirect may lead to another', async () => {
    let reached = false;
    await withServer(
      (_request, response) => {
        reached = true;
        response.end(TEXT);
      },
      (inner) =>
        withServer(
          routes({
            '/ok': (_request, response) => response.end(TEXT),
            '/ip': redirect(inner),
            '/name': redirect(inner.replace('127.0.0.1', 'localhost')),
            '/v6': redirect('http://[::1]:1/'),
            '/mapped': redirect('http://[::ffff:127.0.0.1]:1/'),
            '/decimal': redirect('http://2130706433:1/'),
            '/metadata': redirect('http://169.254.169.254/latest/meta-data/'),
            '/file': redirect('file:///etc/passwd'),
            '/odd': redirect('http://'),
          }),
          async (origin) => {
            assert.ok(await readDescription(`${origin}/ok`));
            for (const path of ['/ip', '/name', '/v6', '/mapped', '/decimal', '/metadata']) {
              const error = await rejection(readDescription(origin + path));
              assert.equal(error.code, 'input', path);
              assert.match(error.message, /private address/, path);
            }
            assert.match((await rejection(readDescription(`${origin}/file`))).message, /file: address/);
            assert.equal((await rejection(readDescription(`${origin}/odd`))).code, 'remote');
          },
        ),
    );
    assert.equal(reached, false);
  });

  it('are refused to pages that only something else named', async () => {
    await withServer(
      (_request, response) => response.end(TEXT),
      async (origin) => {
        const limits = { maxBytes: 1e6, timeoutMs: 1000 };
        const error = await rejection(get(origin, { ...limits, trustedHost: 'docs.example.com' }));
        assert.match(error.message, /private address/);
      },
    );
  });
});
