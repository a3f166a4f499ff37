/** Composition root of the terminal program. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PipelineDependencies } from './pipeline/contracts.ts';
import { ProcessRunner } from './python/process-runner.ts';
import { createRulesStages } from './stages/rules.ts';
import { SourcewrightError } from './errors.ts';
import { runProgram } from './terminal/program.ts';
import type { PipelineSetting, Session } from './terminal/session.ts';
import { terminalOf } from './terminal/terminal.ts';

const here = dirname(fileURLToPath(import.meta.url));
/** Built, everything lies beside this file in dist/; in a checkout that runs through tsx, in src/. */
const built = existsSync(join(here, 'template'));
const templateDir = built ? join(here, 'template') : join(here, 'blueprint', 'template');
const worker = join(here, 'description-worker.mjs');
const descriptionWorker = existsSync(worker) ? worker : undefined;
const terminal = terminalOf(process);

function pipeline(setting: PipelineSetting): PipelineDependencies {
  const log: PipelineDependencies['log'] = (level, message) => {
    if (level === 'error' || level === 'warn' || setting.verbose) setting.output(`${level}: ${message}\n`);
  };
  const pythonPath = terminal.env['SOURCEWRIGHT_PYTHON'];
  return {
    stages: (engine) => {
      if (engine === 'rules') {
        return createRulesStages({
          runner: new ProcessRunner({ write: setting.output }),
          templateDir,
          log,
          environment: terminal.env,
          ...(descriptionWorker !== undefined && { descriptionWorker }),
          ...(pythonPath !== undefined && pythonPath !== '' && { pythonPath }),
          ...(setting.credentials !== undefined && { credentials: setting.credentials }),
        });
      }
      throw new SourcewrightError('input', 'The engine "agents" is not part of this version yet.', {
        cure: 'Use the engine "rules".',
      });
    },
    now: () => new Date(),
    log,
  };
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(here, '..', 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0';
}

const session: Session = {
  terminal,
  interrupts: process,
  version: version(),
  command: terminal.env['SOURCEWRIGHT_COMMAND'] ?? 'sourcewright',
  pipeline,
  ...(descriptionWorker !== undefined && { descriptionWorker }),
};

process.exitCode = await runProgram(session, process.argv.slice(2));
