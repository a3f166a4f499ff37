import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { RunRequest } from '../../../src/pipeline/contracts.ts';
import { answerFrom } from '../../../src/terminal/commands/resume.ts';
import { readCredentials } from '../../../src/terminal/credentials.ts';
import { gateNames, requestFrom, type GenerateOptions } from '../../../src/terminal/request.ts';

describe('terminal: the request of a run', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-request-'));
    await writeFile(join(folder, 'api.yaml'), 'openapi: 3.0.0\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const request = (source: string, options: GenerateOptions = {}): Promise<RunRequest> =>
    requestFrom(source, options, folder);
  const refused = (work: Promise<unknown>, says: RegExp): Promise<void> =>
    assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'input');
      assert.match(error.toText(), says);
      return true;
    });

  it('takes paths from where the person is and asks at every gate by default', async () => {
    const made = await request('api.yaml');
    assert.deepEqual(made.source, { kind: 'description', location: join(folder, 'api.yaml') });
    assert.equal(made.workspace, folder);
    assert.equal(made.outDir, join(folder, 'connectors'));
    assert.deepEqual(new Set(Object.values(made.gates)), new Set(['ask']));
    assert.equal(made.probe, false);
    assert.deepEqual(RunRequest.parse(made), made);
  });

  it('puts all gates on auto, or those that are approved in advance', async () => {
    const auto = await request('api.yaml', { auto: true });
    assert.deepEqual(new Set(Object.values(auto.gates)), new Set(['auto']));
    const some = await request('api.yaml', { approve: ['research,code', 'tests'] });
    assert.deepEqual(some.gates, {
      research: 'auto',
      code: 'auto',
      tests: 'auto',
      review: 'ask',
      draft: 'ask',
      publish: 'ask',
    });
    assert.throws(() => gateNames(['research', 'lunch']), /no gate "lunch"/);
  });

  it('holds the conformance suite against the connector unless it is left out', async () => {
    assert.equal((await request('api.yaml')).limits.conformance, true);
    assert.equal((await request('api.yaml', { conformance: false })).limits.conformance, false);
  });

  it('splits streams and takes addresses as they are', async () => {
    const made = await request('https://example.com/openapi.json', { streams: 'users, teams,', out: 'out' });
    assert.deepEqual(made.source, { kind: 'description', location: 'https://example.com/openapi.json' });
    assert.deepEqual(made.streams, ['users', 'teams']);
    assert.equal(made.outDir, join(folder, 'out'));
  });

  it('refuses what is not there or can not be used', async () => {
    await refused(request('nowhere.yaml'), /no such file/);
    await refused(request('.'), /not a file/);
    await refused(request(' '), /No API description/);
    await refused(request('file:///etc/passwd'), /Only http/);
    await refused(request('api.yaml', { engine: 'magic' }), /no engine "magic"[^]*rules and agents/);
    await refused(request('pagerduty'), /no such file[^]*--engine\s+agents/i);
    await refused(request('api.yaml', { docs: true }), /--docs is for the address/);
    await refused(request('api.yaml', { streams: ' , ' }), /names no stream/);
    await refused(request('api.yaml', { workspace: 'nowhere' }), /not a folder/);
    await refused(request('api.yaml', { probe: true }), /needs credentials/);
  });

  it('takes a name with or without source- and no other kind of name', async () => {
    assert.equal((await request('api.yaml', { name: 'source-pager-duty' })).name, 'pager-duty');
    for (const name of [
      '..',
      '../x',
      'a/b',
      'A',
      'ä',
      '1a',
      'a_b',
      'a-',
      '-a',
      '',
      'source-',
      'a'.repeat(65),
    ]) {
      await refused(request('api.yaml', { name }), /name/i);
    }
  });

  it('reads answers to findings', () => {
    assert.deepEqual(answerFrom('ab12=accept'), { finding: 'ab12', answer: 'accepted' });
    assert.deepEqual(answerFrom('ab12=rejected'), { finding: 'ab12', answer: 'rejected' });
    for (const text of ['ab12', '=accept', 'ab12=maybe', 'ab12=applied'])
      assert.throws(() => answerFrom(text), /not an answer/);
  });

  it('reads credentials from the environment, a plain file, or a connector’s config', async () => {
    const env = { SOURCEWRIGHT_CREDENTIAL_API_KEY: 'k', SOURCEWRIGHT_CREDENTIAL_EMPTY: '', PATH: '/bin' };
    assert.deepEqual(await readCredentials('env', env), { api_key: 'k' });
    await assert.rejects(readCredentials('env', { PATH: '/bin' }), /SOURCEWRIGHT_CREDENTIAL_/);
    const path = join(folder, 'secrets.json');
    await writeFile(path, '{"username": "u", "password": 7}');
    assert.deepEqual(await readCredentials(path, {}), { username: 'u', password: '7' });
    await writeFile(path, '{"credentials": {"api_key": "k"}, "base_url": "https://x"}');
    assert.deepEqual(await readCredentials(path, {}), { api_key: 'k' });
    for (const text of ['[]', '{}', '{"a": {"b": 1}}']) {
      await writeFile(path, text);
      await assert.rejects(readCredentials(path, {}), /object of texts/);
    }
  });
});
