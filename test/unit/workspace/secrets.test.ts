import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('measures entropy', () => {
    assert.equal(entropy('aaaa'), 0);
    assert.equal(entropy('abcd'), 2);
  });
});
