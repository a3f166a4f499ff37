import assert from 'node:assert/strict';
import { withoutCredentials } from '../../../src/blueprint/compiler/placeholders.ts';

describe('fixtures hold no credentials', () => {
  it('replaces texts that are credentials by their name', () => {
    const row = {
      id: 'db-1',
      password: 'hunter2-hunter2-77',
      nested: { api_key: 'b7d03a6947b217efb6f3ec3bd3504582' },
    };
    assert.deepEqual(withoutCredentials(row), {
      id: 'db-1',
      password: 'example-password',
      nested: { api_key: 'example-api_key' },
    });
  });

  it('replaces texts that are credentials by their shape, under any name', () => {
    const key = ['AKIA', 'QWERTYUIOPASDFGH'].join('');
    assert.deepEqual(withoutCredentials({ note: `see ${key}`, list: ['-----BEGIN CERTIFICATE-----'] }), {
      note: 'example-note',
      list: ['example-list'],
    });
  });

  it('keeps the address of a URL and drops who logs in', () => {
    const uri = 'postgres://doadmin:wv78n3zpz42xezdk@db.example.com:25060/defaultdb';
    assert.equal(withoutCredentials(uri), 'postgres://user:example-password@db.example.com:25060/defaultdb');
  });

  it('leaves everything else as it is, short words under such names included', () => {
    const row = {
      token_type: 'bearer',
      tokens: 12,
      secret: null,
      name: 'A long enough name',
      url: 'https://a.example/b',
    };
    assert.deepEqual(withoutCredentials(row), row);
  });
});
