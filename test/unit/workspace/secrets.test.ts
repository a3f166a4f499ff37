import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentSecrets } from '../../../src/workspace/known-secrets.ts';
import { entropy, scanFiles, scanText } from '../../../src/workspace/secrets.ts';

/** Put together at run time, so that no scanner takes this file for a leak. */
const join2 = (...parts: string[]): string => parts.join('');
const RANDOM = 'q7Zr2Kx9Lm4Wt8Vb3Ny6';

const PLANTED: readonly (readonly [string, string])[] = [
  ['AWS key id', `key = "${join2('AKIA', 'Q3EGUZR7WXYJ2LMN')}"`],
  ['GitHub token', join2('ghp', '_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8')],
  ['Slack token', join2('xox', 'b-', '2847561930-', RANDOM)],
  ['Stripe key', join2('sk_', 'live_', RANDOM)],
  ['private key', join2('-----BEGIN RSA ', 'PRIVATE KEY-----')],
  ['JSON web token', join2('eyJ', 'hbGciOiJIUzI1NiJ9', '.eyJ', 'zdWIiOiI5ODcifQxy', '.', RANDOM, RANDOM)],
  ['password in a URL', `dsn = "postgres://admin:${join2('h7x', 'Qp2vR9')}@db.internal/x"`],
  ['assigned key', `api_key = "${RANDOM}"`],
  ['JSON key', `"client_secret": "${RANDOM}"`],
  ['annotated key', `access_token: str = "${RANDOM}"`],
  ['bearer header', `headers = {"Authorization": "Bearer ${RANDOM}${RANDOM}"}`],
  ['hex key', `secret_key = '${join2('9f86d081884c7d65', '9a2feaa0c55ad015')}'`],
  ['Hugging Face token', `x("${join2('hf', '_', 'aQw3Er5Ty7Ui9Op1As2Df4Gh6Jk8Lz0XcV')}")`],
  ['Slack hook', join2('https://hooks.', 'slack.com/services/T0AB1CD2E/B0FG3HI4J/', RANDOM, RANDOM)],
  ['Azure key', join2('AccountName=a;Account', 'Key=', RANDOM.repeat(4), 'ab12==')],
  ['Shopify token', join2('shp', 'at_', '9f86d081884c7d659a2feaa0c55ad015')],
  ['lone random value', `send("${join2('Zx9Qw3', 'Rt7Yb2Nm5Kp8Lf4Gd6Hs1Jv0Ac3Xe')}")`],
];

const CLEAN = [
  'api_key = "<your api key>"',
  'api_key="test-key-for-the-suite"',
  '"access_token": "example-token-1234"',
  'password: str = Field(description="The password of the account")',
  'Authorization: Bearer {token}',
  'sha256 = "9f86d081884c7d659a2feaa0c55ad0153a2b1c4d5e6f708192a3b4c5d6e7f809"',
  '"next_page_token": "page2"',
  'https://user:pass@host',
  'client_secret = config.client_secret.get_secret_value()',
  '"node_id": "MDY6Q29tbWl0NmRjYjA5YjViNTc4NzVmMzM0ZjYxYWViZWQ2OTVlMmU0MTkzZGI1ZQ=="',
  'operation_id = "getV2OrganizationsOrganizationIdMembers1And2Of3"',
  'path = "/v2/Things/A1b2/ThingsOfThings/C3d4/Other9"',
  'token_url = "https://auth.example.com/oauth2/v2.0/token"',
];

describe('the scan for secrets', () => {
  for (const [what, line] of PLANTED) {
    it(`finds a ${what} and does not repeat it`, () => {
      const [hit, ...more] = scanText('src/a.py', `x = 1\n${line}\n`);
      assert.ok(hit, 'not found');
      assert.deepEqual(more, []);
      assert.equal(hit.line, 2);
      for (const value of [RANDOM, 'h7xQp2vR9', '9f86d081884c7d659a']) assert.ok(!hit.excerpt.includes(value), hit.excerpt);
    });
  }
  for (const line of CLEAN) {
    it(`passes over ${line}`, () => {
      assert.deepEqual(scanText('src/a.py', line), []);
    });
  }

  it('reads files, but not binary or missing ones, in little time', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sourcewright-secrets-'));
    try {
      await writeFile(join(dir, 'a.json'), `{"client_secret": "${RANDOM}"}`);
      await writeFile(join(dir, 'b.bin'), Buffer.concat([Buffer.from([0]), Buffer.from(`api_key="${RANDOM}"`)]));
      await writeFile(join(dir, 'long.json'), `${'a:b@c'.repeat(200_000)}\n`.repeat(3));
      const started = Date.now();
      const hits = await scanFiles(dir, ['a.json', 'b.bin', 'long.json', 'none']);
      assert.deepEqual(hits.map((hit) => hit.file), ['a.json']);
      assert.ok(Date.now() - started < 3000);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('finds values of the person’s environment in any form, whatever they look like, and names only the variable', async () => {
    const known = environmentSecrets({
      SHOP_API_KEY: 'correct horse battery',
      SSH_KEY_FILE: '/home/ada/.ssh/id',
      USE_TOKEN: 'disabled',
      TOKEN_LIFETIME: '3600',
      PAGER: 'plain-text-here-99',
    });
    assert.deepEqual(known.map(({ from }) => from), ['the environment variable SHOP_API_KEY']);
    const forms = ['correct horse battery', 'correct%20horse%20battery', Buffer.from('correct horse battery').toString('base64')];
    for (const form of forms) {
      const [hit] = scanText('a.py', `# says ${form} here`, known);
      assert.equal(hit?.kind, 'value of the environment variable SHOP_API_KEY');
      assert.ok(!hit.excerpt.includes(form));
    }
    const dir = await mkdtemp(join(tmpdir(), 'sourcewright-secrets-'));
    try {
      await writeFile(join(dir, 'b.bin'), Buffer.concat([Buffer.from([0]), Buffer.from('correct horse battery')]));
      assert.equal((await scanFiles(dir, ['b.bin'], known)).length, 1);
      assert.deepEqual(await scanFiles(dir, ['b.bin']), []);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('looks at the whole of a long line', () => {
    const line = `${'x, '.repeat(12_000)} api_key = "${RANDOM}"`;
    assert.equal(scanText('a.js', line).length, 1);
  });

  it('measures entropy', () => {
    assert.equal(entropy('aaaa'), 0);
    assert.equal(entropy('abcd'), 2);
  });
});
