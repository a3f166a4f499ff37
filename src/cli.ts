/** Composition root of the terminal program. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentSettings } from './agents/contracts.ts';
import { redactWords } from './agents/redaction.ts';
import type { PipelineDependencies, Stages } from './pipeline/contracts.ts';
import { ProcessRunner } from './python/process-runner.ts';
import { createRulesStages, type StageDependencies } from './stages/rules.ts';
import { agentSettings, lazyStages, secretsOf } from './terminal/agent-settings.ts';
import { runProgram } from './terminal/program.ts';
import type { PipelineSetting, Session } from './terminal/session.ts';
import { allowedPackages } from './terminal/allowed-packages.ts';
import { terminalOf } from './terminal/terminal.ts';
import { personalSeal } from './store/run-seal.ts';
import { snapshotHook } from './workspace/snapshots/index.ts';

const here = dirname(fileURLToPath(import.meta.url));
/** Built, everything lies beside this file in dist/; in a checkout that runs through tsx, in src/. */
const built = existsSync(join(here, 'template'));
const templateDir = built ? join(here, 'template') : join(here, 'blueprint', 'template');
const worker = join(here, 'description-worker.mjs');
const descriptionWorker = existsSync(worker) ? worker : undefined;
const terminal = terminalOf(process);

const promptsDir = built ? join(here, 'prompts') : join(here, 'agents', 'prompts');

function pipeline(setting: PipelineSetting): PipelineDependencies {
  const log: PipelineDependencies['log'] = (level, message) => {
    // A warning is for the person, whether or not they want to see the output of programs.
    if (level === 'error' || level === 'warn') setting.tell(`${level}: ${message}`);
    else if (setting.verbose) setting.output(`${level}: ${message}\n`);
  };
  const d = stageDependencies(setting, log);
  const rules = createRulesStages(d);
  const agents = lazyStages(() => agentStages(d, setting));
  return {
    stages: (engine) => (engine === 'rules' ? rules : agents),
    now: () => new Date(),
    redact: redactWords(() => Promise.resolve(secretsOf(terminal.env, setting))),
    snapshots: snapshotHook(log),
    seal: personalSeal(),
    log: (level, message) => {
      // What agents do is told on `info`; the progress shows it already.
      if (level !== 'info') log(level, message);
    },
  };
}

function stageDependencies(setting: PipelineSetting, log: StageDependencies['log']): StageDependencies {
  const pythonPath = terminal.env['SOURCEWRIGHT_PYTHON'];
  return {
    runner: new ProcessRunner({ write: setting.output }),
    templateDir,
    log,
    environment: terminal.env,
    ...(descriptionWorker !== undefined && { descriptionWorker }),
    isolation: setting.isolation,
    allowedPackages: allowedPackages(terminal.env),
    ...(pythonPath !== undefined && pythonPath !== '' && { pythonPath }),
    ...(setting.credentials !== undefined && { credentials: setting.credentials }),
  };
}

/** Loaded when an agent is to work, and not before: what talks to the API is of no use to anything else. */
async function agentStages(d: StageDependencies, setting: PipelineSetting): Promise<Stages> {
  const [{ createAgentRuntime }, { createAgentsStages }] = await Promise.all([
    import('./agents/runtime.ts'),
    import('./stages/agents.ts'),
  ]);
  const log: AgentSettings['log'] = (level, message) => {
    if (level === 'error' || level === 'warn') setting.tell(`${level}: ${message}`);
    else d.log(level, message);
  };
  return createAgentsStages(d, createAgentRuntime(agentSettings(terminal.env, setting, { promptsDir, log })));
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
  agents: {
    testKey: async (options) => (await import('./agents/key.ts')).testKey(options),
    readTranscripts: async (runDir) => (await import('./agents/transcript-view.ts')).readTranscripts(runDir),
  },
  ...(descriptionWorker !== undefined && { descriptionWorker }),
};

process.exitCode = await runProgram(session, process.argv.slice(2));
