/** `sourcewright inspect`: what a description says, and what it leaves open, without generating anything. */
import { resolve } from 'node:path';
import { asSourcewrightError } from '../../errors.ts';
import { inspection, inspectionText } from '../../openapi/inspect.ts';
import { readSource } from '../../stages/research/read-source.ts';
import { EXIT, exitCodeOfError, type ExitCode } from '../exit-codes.ts';
import { printError, printJson, type Session } from '../session.ts';
import { errorSummary } from '../summary.ts';
import { harmless } from '../terminal.ts';

export interface InspectOptions {
  readonly json?: boolean;
  readonly name?: string;
}

export async function inspect(session: Session, source: string, options: InspectOptions): Promise<ExitCode> {
  const { terminal, descriptionWorker } = session;
  const started = performance.now();
  const location = /^https?:\/\//i.test(source) ? source : resolve(terminal.cwd, source);
  try {
    const blueprint = await readSource(location, {
      ...(options.name !== undefined && { name: options.name }),
      ...(descriptionWorker !== undefined && { worker: descriptionWorker }),
    });
    const found = inspection(blueprint, performance.now() - started);
    if (options.json === true) printJson(terminal, found);
    else terminal.stdout.write(`${harmless(inspectionText(blueprint, found.durationMs))}\n`);
    return EXIT.done;
  } catch (thrown) {
    const error = asSourcewrightError(thrown);
    if (options.json === true) {
      printJson(terminal, {
        error: errorSummary(error),
        durationMs: Math.round(performance.now() - started),
      });
    }
    printError(terminal, error);
    return exitCodeOfError(error);
  }
}
