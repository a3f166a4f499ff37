/** `sourcewright conform`: judges a connector by the conformance suite and prints what came of each check. */
import { resolve } from 'node:path';
import { conform as judge } from '../../conformance/conform.ts';
import type { CheckOutcome, CheckStatus, ConformanceReport } from '../../conformance/contracts.ts';
import type { IsolationPolicy } from '../../pipeline/contracts.ts';
import { ProcessRunner } from '../../python/process-runner.ts';
import { connectorEnvironment } from '../../stages/connector.ts';
import { allowedPackages } from '../allowed-packages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printJson, type Session } from '../session.ts';
import { coloured, harmless, painter, type Colour, type Terminal } from '../terminal.ts';

export interface ConformOptions {
  readonly json?: boolean;
  /** Interpreter that has the connector's requirements already. */
  readonly python?: string;
  readonly only?: readonly string[];
  readonly isolation?: IsolationPolicy;
}

const WORDS: Readonly<Record<CheckStatus, readonly [string, Colour]>> = {
  passed: ['passed', 'green'],
  failed: ['FAILED', 'red'],
  not_applicable: ['not applicable', 'dim'],
  broken: ['BROKEN', 'red'],
};
const STATUS_WIDTH = 16;

/** Exits with 0 where all checks passed, 1 where one failed. @throws SourcewrightError as `conform` and the environment do. */
export async function conform(session: Session, dir: string, options: ConformOptions): Promise<ExitCode> {
  const { terminal } = session;
  const connectorDir = resolve(terminal.cwd, dir);
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort();
  };
  session.interrupts.on('SIGINT', interrupt);
  session.interrupts.on('SIGTERM', interrupt);
  try {
    const python = options.python ?? (await environmentOf(terminal, connectorDir, stop.signal));
    const report = await judge({
      connectorDir,
      python: options.python === undefined ? python : resolve(terminal.cwd, python),
      signal: stop.signal,
      only: options.only,
      isolation: options.isolation,
      progress: (line) => {
        if (terminal.live) terminal.stderr.write(`\r\u001b[K${harmless(line)}`);
      },
    });
    if (terminal.live) terminal.stderr.write('\r\u001b[K');
    if (options.json === true) printJson(terminal, report);
    else terminal.stdout.write(coloured(reportText(terminal, report)));
    return report.verdict === 'passed' ? EXIT.done : EXIT.failed;
  } finally {
    session.interrupts.off('SIGINT', interrupt);
    session.interrupts.off('SIGTERM', interrupt);
  }
}

/** The interpreter of the connector's environment, which is set up first where it is not there. */
async function environmentOf(terminal: Terminal, connectorDir: string, signal: AbortSignal): Promise<string> {
  const tell = (line: string): void => {
    terminal.stderr.write(`${harmless(line)}\n`);
  };
  const pythonPath = terminal.env['SOURCEWRIGHT_PYTHON'];
  const dependencies = {
    runner: new ProcessRunner({ write: tell }),
    templateDir: '',
    log: (_level: string, message: string) => {
      tell(message);
    },
    environment: terminal.env,
    allowedPackages: allowedPackages(terminal.env),
    ...(pythonPath !== undefined && pythonPath !== '' && { pythonPath }),
  };
  return (await connectorEnvironment(dependencies, { connectorDir, signal, progress: tell })).python;
}

/** The table, and what it comes to. */
export function reportText(terminal: Pick<Terminal, 'colour'>, report: ConformanceReport): string {
  const paint = painter(terminal.colour);
  const width = Math.max(0, ...report.checks.map(({ id }) => id.length));
  const lines = report.checks.flatMap((check) => {
    const [word, colour] = WORDS[check.status];
    const head = `${paint(colour, word.padEnd(STATUS_WIDTH))}${check.id.padEnd(width)}  ${check.title}`;
    return [head, ...problemLines(check).map((line) => `${' '.repeat(STATUS_WIDTH)}${harmless(line)}`)];
  });
  const { passed, failed, broken, notApplicable, seconds } = report;
  const counts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(broken > 0 ? [`${broken} broken`] : []),
    `${notApplicable} not applicable`,
  ];
  lines.push('', `${report.connector}: ${counts.join(', ')} (${seconds.toFixed(1)} s)`, '');
  return lines.join('\n');
}

function problemLines(check: CheckOutcome): string[] {
  const problems = check.problems.map(({ message, file, line, note }) => {
    const place = file === null ? '' : `${file}${line === null ? '' : `:${line}`}: `;
    return `${note ? 'note: ' : ''}${place}${message}`;
  });
  if (check.reason === null) return problems;
  return [...check.reason.trim().split('\n'), ...problems];
}
