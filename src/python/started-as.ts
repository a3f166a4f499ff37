import type { Command } from '../pipeline/contracts.ts';

/** What is really started for a command: the program that confines it, where there is one. */
export function startedAs({ file, args, within = [] }: Pick<Command, 'file' | 'args' | 'within'>): {
  readonly file: string;
  readonly args: readonly string[];
} {
  const [outer, ...before] = within;
  return outer === undefined ? { file, args } : { file: outer, args: [...before, file, ...args] };
}
