/** Emits what the tests of a connector stand on. */
import type { CompiledFile } from './compile.ts';

export function fixtures(): CompiledFile[] {
  return [];
}
