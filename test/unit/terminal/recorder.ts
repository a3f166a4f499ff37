/** A terminal whose output is kept as text. */
import { PassThrough, Writable } from 'node:stream';
import type { Terminal } from '../../../src/terminal/terminal.ts';

class Kept extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

export interface RecordedTerminal extends Terminal {
  readonly stdout: Kept;
  readonly stderr: Kept;
  readonly stdin: PassThrough;
}

export function recordedTerminal(options: Partial<Terminal> = {}): RecordedTerminal {
  const terminal = {
    stdin: new PassThrough(),
    stdout: new Kept(),
    stderr: new Kept(),
    interactive: false,
    live: false,
    colour: false,
    columns: () => 80,
    env: {},
    cwd: process.cwd(),
  };
  return { ...terminal, ...options, stdin: terminal.stdin, stdout: terminal.stdout, stderr: terminal.stderr };
}
