import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createRulesResearch } from '../../../src/stages/research/rules.ts';
import { describedBy } from '../../../src/stages/research/documentation-page.ts';
import { minimal, rejection, withFiles, withServer } from '../openapi-reading/support.ts';
import { dependencies, stageContext } from './support.ts';

const DESCRIPTION = JSON.stringify(minimal());

interface Page {
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** A site by path; everything else is 404. Notes what was asked. */
function site(pages: Readonly<Record<string, string | Page>>, asked: string[] = []): RequestListener {
  return (request, response) => {
    const path = request.url ?? '/';
    asked.push(path);
    const page = pages[path];
    if (page === undefined) response.writeHead(404).end('<html>nothing</html>');
    else if (typeof page === 'string') response.end(page);
    else response.writeHead(200, page.headers).end(page.body);
  };
}

function find(url: string) {
  return describedBy(url, { signal: new AbortController().signal, progress: () => undefined });
}

describe('research from a documentation page', () => {
  for (const [what, pages, path] of [
    ['the page is the description itself', { '/docs': DESCRIPTION }, '/docs'],
    [
      'a Link header says service-desc',
      {
        '/docs': {
          body: '<html>',
          headers: {
            link: '</style.css>; rel=preload, <spec/v1>; rel="service-desc"; type="application/json"',
          },
        },
        '/spec/v1': DESCRIPTION,
      },
      '/spec/v1',
    ],
    [
      'a link element says service-desc',
      { '/docs': '<html><link rel="service-desc" href="/d">', '/d': DESCRIPTION },
      '/d',
    ],
    [
      'a viewer names it',
      {
        '/docs': '<html><redoc spec-url="../a/openapi.yaml"></redoc>',
        '/a/openapi.yaml': 'openapi: 3.0.0\npaths: {/a: {get: {}}}\n',
      },
      '/a/openapi.yaml',
    ],
    [
      'an anchor links to it',
      {
        '/docs':
          '<html><a href="/x.json">x</a><a class="b" href=\'/files/api-spec.json?v=2&amp;x=1\'>get it</a>',
        '/files/api-spec.json?v=2&x=1': DESCRIPTION,
      },
      '/files/api-spec.json?v=2&x=1',
    ],
    [
      'Swagger UI is configured in the page',
      {
        '/docs': '<html><script>SwaggerUIBundle({ url: "/v3/swagger.json", dom_id: "#x" })</script>',
        '/v3/swagger.json': DESCRIPTION,
      },
      '/v3/swagger.json',
    ],
    [
      'Swagger UI is configured in its own script',
      {
        '/docs': '<html><script src="./swagger-initializer.js"></script>',
        '/swagger-initializer.js': 'window.ui = SwaggerUIBundle({ url: "/hidden/swagger.yaml" });',
        '/hidden/swagger.yaml': DESCRIPTION,
      },
      '/hidden/swagger.yaml',
    ],
    [
      'the host has a catalogue of its APIs',
      {
        '/docs': '<html>',
        '/.well-known/api-catalog': JSON.stringify({
          linkset: [{ anchor: '/', 'service-desc': [{ href: '/apis/one' }] }],
        }),
        '/apis/one': DESCRIPTION,
      },
      '/apis/one',
    ],
    ['it lies at a usual place', { '/docs': '<html>', '/v3/api-docs': DESCRIPTION }, '/v3/api-docs'],
    [
      'the first link leads nowhere',
      {
        '/docs': '<html><a href="/old/openapi.json">a</a><a href="/new/openapi.json">b</a>',
        '/new/openapi.json': DESCRIPTION,
      },
      '/new/openapi.json',
    ],
  ] as const) {
    it(`finds the description where ${what}`, async () => {
      await withServer(site(pages), async (origin) => {
        const found = await find(`${origin}/docs`);
        assert.equal(found.location, origin + path);
        assert.equal(found.trustedHost, new URL(origin).host);
        assert.ok(found.how);
      });
    });
  }

  it('asks few times, and says what to give when there is nothing', async () => {
    const asked: string[] = [];
    const links = Array.from({ length: 60 }, (_, i) => `<a href="/openapi-${i}.json">x</a>`).join('');
    await withServer(site({ '/docs': `<html>${links}` }, asked), async (origin) => {
      const error = await rejection(find(`${origin}/docs`));
      assert.equal(error.code, 'input');
      assert.match(error.message, /no OpenAPI or Swagger description/);
      assert.match(error.cure ?? '', /agents/);
      assert.ok(asked.length <= 14, `${asked.length} requests`);
    });
  });

  it('is not led to private addresses by a page', async () => {
    let reached = false;
    await withServer(
      (_request, response) => {
        reached = true;
        response.end(DESCRIPTION);
      },
      (inner) =>
        withServer(site({ '/docs': `<html><a href="${inner}/openapi.json">x</a>` }), async (origin) => {
          await rejection(find(`${origin}/docs`));
        }),
    );
    assert.equal(reached, false);
  });

  it('fails as the page does', async () => {
    await withServer(site({}), async (origin) => {
      const error = await rejection(find(`${origin}/docs`));
      assert.equal(error.code, 'remote');
      assert.match(error.message, /404/);
    });
    assert.equal((await rejection(find('docs.html'))).code, 'input');
  });

  for (const kind of ['docs', 'description'] as const) {
    it(`goes on to a brief, given as ${kind}`, async () => {
      const pages = { '/docs': '<html><a href="openapi.json">x</a>', '/openapi.json': DESCRIPTION };
      await withServer(site(pages), (origin) =>
        withFiles({}, async (workspace) => {
          const context = await stageContext({ source: { kind, location: `${origin}/docs` }, workspace });
          const outcome = await createRulesResearch(dependencies()).run(context);
          assert.equal(outcome.status === 'done' && outcome.result.connectorName, 'small');
          assert.ok(context.lines.some((line) => line.includes('Found the description')));
        }),
      );
    });
  }
});
