/** What can't be used is refused with words, exit code 2, and nothing left behind. */
import assert from 'node:assert/strict';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allBelow, only, removeFolder, sample, serve, sourcewright, temporaryFolder } from './program.ts';

interface Rejected {
  readonly run: null;
  readonly status: string;
  readonly error: { code: string; message: string; where: string | null; cure: string | null };
}

describe('bad input', function () {
  this.slow(10_000);
  let folder = '';
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => removeFolder(folder));

  /** Both `generate` and `inspect` refuse it; `generate` leaves only what was there before. */
  async function refused(source: string, says: RegExp, words: readonly string[] = []): Promise<void> {
    const before = await allBelow(folder);
    const generated = await sourcewright(['generate', source, '--auto', '--json', ...words], { cwd: folder });
    assert.equal(generated.exitCode, 2, generated.stderr);
    const said = only(generated) as unknown as Rejected;
    assert.equal(said.run, null);
    assert.equal(said.status, 'failed');
    assert.match(said.error.message, says);
    assert.match(generated.stderr, /^error: /m);
    assert.doesNotMatch(generated.stderr, /\n\s+at .*\(.*:\d+:\d+\)/, 'no stack trace');
    assert.deepEqual(await allBelow(folder), before, 'nothing is left behind');
    if (words.length > 0) return;
    const inspected = await sourcewright(['inspect', source, '--json'], { cwd: folder });
    assert.equal(inspected.exitCode, 2, inspected.stderr);
    assert.match((only(inspected) as unknown as Rejected).error.message, says);
  }

  async function given(name: string, content: string): Promise<string> {
    await writeFile(join(folder, name), content);
    return name;
  }

  it('an empty file', async () => {
    await refused(await given('empty.yaml', ''), /empty/i);
  });

  it('a file of blanks', async () => {
    await refused(await given('blank.yaml', '  \n\n \n'), /empty|nothing/i);
  });

  it('an HTML page', async () => {
    await refused(await given('page.yaml', '<!DOCTYPE html>\n<html><body>Sign in</body></html>\n'), /HTML/i);
  });

  it('truncated JSON', async () => {
    const text = JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'Cut', version: '1' },
      paths: { '/a': { get: {} } },
    });
    await refused(await given('cut.json', text.slice(0, -12)), /JSON/);
  });

  it('broken YAML', async () => {
    await refused(
      await given('broken.yaml', 'openapi: 3.0.0\ninfo:\n  title: "Never closed\npaths: {}\n'),
      /YAML/,
    );
  });

  it('a YAML bomb', async () => {
    const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
    for (let at = 1; at < 12; at += 1)
      lines.push(
        `a${at}: &a${at} [${Array(9)
          .fill(`*a${at - 1}`)
          .join(',')}]`,
      );
    const text = `openapi: 3.0.0\ninfo: {title: Bomb, version: '1'}\npaths: {}\n${lines.join('\n')}\n`;
    const started = performance.now();
    await refused(await given('bomb.yaml', text), /alias|expand|large|many|GET|operation/i);
    assert.ok(performance.now() - started < 20_000, 'refused quickly');
  });

  it('a file of 100 MB', async () => {
    const file = await open(join(folder, 'huge.yaml'), 'w');
    await file.truncate(100 * 1024 * 1024);
    await file.close();
    await refused('huge.yaml', /large|MB/i);
  });

  it('a description without GET operations', async () => {
    const text = JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'Only writes', version: '1' },
      servers: [{ url: 'https://api.example.com' }],
      paths: { '/things': { delete: { responses: { 204: { description: 'gone' } } } } },
    });
    const before = await allBelow(folder);
    await given('writes.json', text);
    const outcome = await sourcewright(['generate', 'writes.json', '--auto', '--json'], { cwd: folder });
    assert.equal(outcome.exitCode, 2, outcome.stderr);
    assert.match((only(outcome) as unknown as Rejected).error.message, /read|GET|stream/i);
    assert.deepEqual(await allBelow(folder), [...before, 'writes.json']);
  });

  it('YAML that is no description', async () => {
    await refused(await given('list.yaml', '- one\n- two\n'), /API description/);
    await refused(await given('other.json', '{"name": "a package", "version": "1.0.0"}'), /API description/);
  });

  it('a file that is not there, a folder, an empty name', async () => {
    await refused('nowhere.yaml', /no such file|not found|does not exist/i);
    await refused('.', /not a file|folder|directory/i);
    await refused('ftp://example.com/openapi.yaml', /http/, ['--verbose']);
  });

  it('an address that nobody answers', async () => {
    const site = await serve((_, response) => response.end());
    await site.close();
    await refused(`${site.url}/openapi.json`, /./);
  });

  it('an address that answers 404', async () => {
    const site = await serve((_, response) => response.writeHead(404).end('no'));
    try {
      await refused(`${site.url}/openapi.json`, /404/);
    } finally {
      await site.close();
    }
  });

  it('an address that redirects for ever', async () => {
    const site = await serve((request, response) =>
      response.writeHead(302, { location: `${request.url ?? '/'}x` }).end(),
    );
    try {
      await refused(`${site.url}/openapi.json`, /redirect/i);
    } finally {
      await site.close();
    }
  });

  it('names that can not be used', async () => {
    for (const name of [
      '../../evil',
      '/etc/passwd',
      'a/b',
      '..',
      '',
      'Größe',
      '9lives',
      'a b',
      'a--b',
      `a${'b'.repeat(80)}`,
    ]) {
      await refused(sample, /name/i, [`--name=${name}`]);
    }
  });

  it('streams that are not there', async () => {
    await refused(sample, /stream/i, ['--streams', 'incidents,unicorns']);
    await refused(sample, /stream/i, ['--streams', ' , ']);
  });

  it('gates, engines and options that are not there', async () => {
    await refused(sample, /gate/i, ['--approve', 'lunch']);
    await refused(sample, /agents/i, ['--budget', '3']);
    await refused(sample, /amount/i, ['--engine', 'agents', '--budget', 'much']);
    await refused(sample, /stage/i, ['--engine', 'agents', '--model', 'lunch=claude']);
    await refused(sample, /engine/i, ['--engine', 'magic']);
    await refused(sample, /credentials/i, ['--probe']);
    await refused(sample, /credentials/i, ['--probe', '--credentials', 'nowhere.json']);
    for (const words of [['generate'], ['generate', sample, '--nonsense'], ['dance'], ['stage', 'test']]) {
      const outcome = await sourcewright([...words, '--json'], { cwd: folder });
      assert.equal(outcome.exitCode, 2, words.join(' '));
      assert.equal((only(outcome) as unknown as Rejected).error.code, 'input');
    }
  });

  it('agents without a key', async () => {
    const words = ['generate', sample, '--engine', 'agents', '--auto', '--json'];
    const outcome = await sourcewright(words, { cwd: folder, env: { ANTHROPIC_API_KEY: '' } });
    assert.equal(outcome.exitCode, 4, outcome.stderr);
    const said = only(outcome) as unknown as Rejected;
    assert.equal(said.run, null);
    assert.equal(said.error.code, 'credentials');
    assert.match(outcome.stderr, /ANTHROPIC_API_KEY[^]*--engine rules/);
    assert.deepEqual(await allBelow(folder), []);
  });

  it('never repeats what a file of credentials holds', async () => {
    await given('secrets.json', '{"api_key": "top-secret-4711",');
    const outcome = await sourcewright(
      ['generate', sample, '--probe', '--credentials', 'secrets.json', '--json'],
      { cwd: folder },
    );
    assert.equal(outcome.exitCode, 2);
    assert.doesNotMatch(outcome.stdout + outcome.stderr, /4711/);
  });

  it('runs that are not there', async () => {
    for (const words of [
      ['show', 'nobody'],
      ['resume', 'nobody'],
      ['stage', 'test', '--run', 'nobody'],
      ['show', 'latest'],
    ]) {
      const outcome = await sourcewright([...words, '--json'], { cwd: folder });
      assert.equal(outcome.exitCode, 2, `${words.join(' ')}: ${outcome.stderr}`);
    }
    assert.deepEqual(await allBelow(folder), []);
  });

  it('takes control characters out of what a description says', async () => {
    const text = (await readFile(sample, 'utf8')).replace(
      'title: PagerDuty API',
      'title: "Pager\\e]0;owned\\aDuty"',
    );
    await given('title.yaml', text);
    const outcome = await sourcewright(['inspect', 'title.yaml'], { cwd: folder });
    assert.equal(outcome.exitCode, 0, outcome.stderr);
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(outcome.stdout, /[\u0007\u001b]/);
  });
});
