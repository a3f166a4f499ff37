/** Parameters of an operation whose value the blueprint fixes, as entries of the mapping that a request is made of. */
import type { OperationParameter } from '../schema.ts';
import { call, jsonValue, literal, print, str } from './python.ts';

/** Lines of one entry: `"sort": {…},`, or for an object in a query `**deep("sort", {…}),`, as those that callers set. */
export function constantLines(indent: string, { name, in: place, value }: OperationParameter): string[] {
  const nested = place === 'query' && typeof value === 'object' && !Array.isArray(value);
  const prefix = nested ? '**' : `${literal(name)}: `;
  const code = nested
    ? call('deep', [
        [null, str(name)],
        [null, jsonValue(value)],
      ])
    : jsonValue(value);
  return `${indent}${prefix}${print(code, indent, prefix.length)},`.split('\n');
}
