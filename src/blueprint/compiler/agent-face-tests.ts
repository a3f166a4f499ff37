import type { CompiledFile } from './compile.ts';

/** tests/test_operations.py and its fixtures. */
export function operationTests(): CompiledFile[] {
  return [];
}
