/**
 * Runs one attempt of one stage: gives it its context, checks what it hands back, and turns whatever it throws into an
 * outcome. Nothing that a stage does can throw past this.
 */
import { isAbsolute, join, normalize, sep } from 'node:path';
import { z } from 'zod';
import { Blueprint } from '../blueprint/schema.ts';
import { asSourcewrightError, SourcewrightError, type ErrorCode } from '../errors.ts';
import { type Files, sha256 } from '../store/files.ts';
import {
  PAUSING,
  type PauseCause,
  type RunRequest,
  type StageContext,
  type StageName,
  StageResults,
  type Stages,
  type Usage,
} from './contracts.ts';
import type { StageFailure, Step } from './machine-types.ts';
import { jsonText, readJson } from './json-files.ts';

/** How an attempt ended. `result` has passed the stage's schema. */
export type StepOutcome =
  | { readonly status: 'done'; readonly result: unknown; readonly artifacts: Artifacts }
  | { readonly status: 'paused'; readonly cause: PauseCause; readonly message: string; readonly cure: string }
  | { readonly status: 'failed'; readonly error: StageFailure };

/** Name in the run's folder → SHA-256 of what was written. */
export type Artifacts = Record<string, string>;

export interface StepEnvironment {
  readonly runId: string;
  readonly request: RunRequest;
  readonly runDir: string;
  readonly connectorDir: string;
  readonly files: Files;
  readonly signal: AbortSignal;
  readonly progress: (message: string) => void;
  readonly activity: (line: string) => void;
  readonly spent: (total: Usage) => void;
}

/** Resolves an artifact's name inside the run's folder; a stage may not write anywhere else, nor over our own files. */
function artifactPath(runDir: string, name: string): string {
  const path = normalize(name);
  const outside = path === '' || path === '.' || isAbsolute(path) || path.split(sep).includes('..');
  if (outside || OWN_FILES.has(path)) {
    throw new SourcewrightError('internal', `A stage may not use "${name}" as the name of an artifact.`);
  }
  return join(runDir, path);
}
const OWN_FILES = new Set(['journal.jsonl', 'run.json', 'usage.json', 'lock']);

/** Text and bytes as they are, anything else as JSON. */
function artifactContent(name: string, content: unknown): string | Uint8Array {
  if (content instanceof Uint8Array) return content;
  if (typeof content === 'string' && !name.endsWith('.json')) return content;
  return jsonText(content);
}

function contextFor(step: Step, env: StepEnvironment, artifacts: Artifacts): StageContext {
  const { files, runDir, signal } = env;
  return {
    runId: env.runId,
    request: env.request,
    runDir,
    connectorDir: env.connectorDir,
    mode: step.mode,
    attempt: step.attempt,
    feedback: step.feedback,
    draft: step.draft,
    signal,
    progress: (message) => {
      if (!signal.aborted) env.progress(message);
    },
    activity: (line) => {
      if (!signal.aborted) env.activity(line);
    },
    // Also after an abort: what was paid counts.
    spent: env.spent,
    readArtifact: (name, schema) => readJson(files, artifactPath(runDir, name), schema),
    async writeArtifact(name, content) {
      const path = artifactPath(runDir, name);
      // An attempt that was stopped must not write over what the next one does.
      if (signal.aborted) throw new SourcewrightError('cancelled', `Stopped before ${name} was written.`);
      const text = artifactContent(name, content);
      await files.writeAtomic(path, text);
      artifacts[name] = sha256(text);
    },
  };
}

const PAUSES: Partial<Record<ErrorCode, PauseCause>> = {
  ...PAUSING,
  // Another run works in the connector's folder.
  locked: 'environment',
  // The stage was stopped, but not by the pipeline: the person closed its terminal.
  cancelled: 'person',
};

function messageOf(error: SourcewrightError): string {
  const at = [error.where, error.place].filter((part) => part !== undefined && part !== '').join(' at ');
  return at === '' ? error.message : `${error.message} (${at})`;
}

/** The outcome that a thrown error stands for. */
export function outcomeOf(thrown: unknown): Exclude<StepOutcome, { status: 'done' }> {
  const error = asSourcewrightError(thrown);
  const message = messageOf(error);
  const cause = PAUSES[error.code];
  if (cause === undefined) {
    return { status: 'failed', error: { code: error.code, message, cure: error.cure ?? null } };
  }
  return { status: 'paused', cause, message, cure: error.cure ?? 'Resume to try this step again.' };
}

/** Whether a folder may be called `source-<name>`: the name comes from descriptions that anybody wrote. */
export function isConnectorName(name: string): boolean {
  return Blueprint.shape.name.safeParse(name).success;
}

function checked(stage: StageName, result: unknown): unknown {
  const wrong = (why: string): SourcewrightError =>
    new SourcewrightError('internal', `The ${stage} stage returned a result of the wrong form: ${why}`, {
      cure: 'This is a mistake in Sourcewright. Please report it with the log.',
    });
  const parsed = StageResults[stage].safeParse(result);
  if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
  if (stage === 'research') {
    const { connectorName } = StageResults.research.parse(parsed.data);
    if (!isConnectorName(connectorName)) throw wrong(`"${connectorName}" is no name for a connector.`);
  }
  return parsed.data;
}

/** Runs the step's stage to its end. Never throws. */
export async function runStep(stages: Stages, step: Step, env: StepEnvironment): Promise<StepOutcome> {
  const artifacts: Artifacts = {};
  try {
    const outcome = await stages[step.stage].run(contextFor(step, env, artifacts));
    if (outcome.status === 'paused') {
      const { cause, message, cure } = outcome;
      return { status: 'paused', cause, message, cure };
    }
    const result = checked(step.stage, outcome.result);
    return { status: 'done', result, artifacts };
  } catch (error) {
    return outcomeOf(error);
  }
}
