import assert from 'node:assert/strict';
import { emitAgentFace } from '../../../src/blueprint/compiler/agent-face.ts';
import { blueprint, operation, parameter } from '../agent-face/blueprints.ts';

function sourceWith(type: string, more: Record<string, unknown> = {}): string {
  const of = blueprint({
    operations: [
      operation('list_items', {
        path: '/items',
        columns: [
          { name: 'id', type, role: 'KEY' },
          { name: 'name', type: 'string', role: 'TITLE' },
        ],
        next: [{ operation: 'get_item', parameter: 'item', field: ['id'] }],
      }),
      operation('get_item', {
        path: '/items/{item}',
        kind: 'get',
        parameters: [parameter('item', { in: 'path', required: true, ...more })],
      }),
    ],
  });
  return emitAgentFace(of).find((file) => file.path === 'src/operations.py')?.content ?? '';
}

describe('parameters that lead from one operation to the next', () => {
  it('take a number where the list gives one and the path wants text', () => {
    assert.match(sourceWith('integer'), /extra="forbid", coerce_numbers_to_str=True\)/);
    assert.match(sourceWith('number'), /coerce_numbers_to_str/);
  });

  it('stay strict where both are text or both are numbers', () => {
    assert.doesNotMatch(sourceWith('string'), /coerce_numbers_to_str/);
    assert.doesNotMatch(sourceWith('integer', { type: 'integer' }), /coerce_numbers_to_str/);
  });

  it('are named where the description only repeats the name', () => {
    const source = sourceWith('string', { description: 'Item' });
    assert.match(source, /Item\. The API's parameter item\./);
    const long = sourceWith('string', { name: 'item', description: 'ITEM_' });
    assert.match(long, /The API's parameter item\./);
    assert.doesNotMatch(
      sourceWith('string', { description: 'The item to get.' }),
      /The API's parameter item\./,
    );
  });
});
