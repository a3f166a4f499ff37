/** From the words on the command line to the request of a run. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import {
  DEFAULT_MUTANTS,
  Engine,
  GateName,
  Limits,
  type GatePolicy,
  type RunRequest,
} from '../pipeline/contracts.ts';
import { agentOptionsFrom, refuseForRules, type AgentWords } from './agent-options.ts';

/** The options of `generate`, as commander hands them over. */
export interface GenerateOptions extends AgentWords {
  readonly workspace?: string;
  readonly out?: string;
  readonly name?: string;
  readonly engine?: string;
  readonly streams?: string;
  readonly auto?: boolean;
  readonly approve?: readonly string[];
  readonly probe?: boolean;
  readonly credentials?: string;
  /** The source is a page of documentation. */
  readonly docs?: boolean;
  readonly mutants?: string;
  /** False with `--no-conformance`. */
  readonly conformance?: boolean;
}

/** @throws SourcewrightError `input` for a source or an option that can't be used. */
export async function requestFrom(
  source: string,
  options: GenerateOptions,
  cwd: string,
): Promise<RunRequest> {
  const engine = engineFrom(options.engine ?? 'rules');
  if (engine === 'rules') refuseForRules(options, 'Add --engine agents, or leave it out.');
  const workspace = await folder(resolve(cwd, options.workspace ?? '.'), 'The workspace');
  const streams = options.streams
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (streams?.length === 0) {
    throw new SourcewrightError('input', '--streams names no stream.', {
      cure: 'Give names with commas between them, as `sourcewright inspect` lists them: --streams users,teams',
    });
  }
  if (options.probe === true && options.credentials === undefined) {
    throw new SourcewrightError('input', '--probe needs credentials.', {
      cure: 'Add --credentials FILE (a JSON file) or --credentials env.',
    });
  }
  return {
    source: await sourceFrom(source, engine, options.docs === true, cwd),
    workspace,
    outDir: options.out === undefined ? resolve(workspace, 'connectors') : resolve(cwd, options.out),
    ...(options.name !== undefined && { name: connectorName(options.name) }),
    engine,
    ...(streams !== undefined && { streams }),
    gates: gatesFrom(options),
    limits: limitsFrom(options),
    probe: options.probe ?? false,
    ...(engine === 'agents' && { agents: agentOptionsFrom(options) }),
  };
}

function limitsFrom({ mutants = String(DEFAULT_MUTANTS), conformance = true }: GenerateOptions): Limits {
  const limits = /^\d{1,3}$/.test(mutants)
    ? Limits.safeParse({ mutants: Number(mutants), conformance })
    : undefined;
  if (limits?.success === true) return limits.data;
  throw new SourcewrightError('input', `--mutants takes a whole number from 0 to 500, not "${mutants}".`, {
    where: '--mutants',
    cure: 'Leave it out for the usual number; 0 plants no mistakes.',
  });
}

function engineFrom(text: string): Engine {
  const engine = Engine.safeParse(text);
  if (engine.success) return engine.data;
  throw new SourcewrightError('input', `There is no engine "${text}".`, {
    where: '--engine',
    cure: `The engines are ${Engine.options.join(' and ')}.`,
  });
}

/** A URL, a file that is there, or else a name; a name alone is for agents, rules need a description. */
async function sourceFrom(
  source: string,
  engine: Engine,
  docs: boolean,
  cwd: string,
): Promise<RunRequest['source']> {
  if (source.trim() === '') {
    throw new SourcewrightError('input', 'No API description was named.', {
      cure: 'Give the path or URL of an OpenAPI description.',
    });
  }
  if (/^https?:\/\//i.test(source)) return { kind: docs ? 'docs' : 'description', location: source };
  if (docs) {
    throw new SourcewrightError('input', '--docs is for the address of a page of documentation.', {
      where: source,
      cure: 'Give an address that begins with https://, or leave --docs out.',
    });
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    throw new SourcewrightError('input', 'Only http and https addresses can be read.', { where: source });
  }
  return fileOrName(source, engine, cwd);
}

async function fileOrName(source: string, engine: Engine, cwd: string): Promise<RunRequest['source']> {
  const path = resolve(cwd, source);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return { kind: 'description', location: path };
  const isName = engine === 'agents' && !/[/\\]|\.(ya?ml|json)$/i.test(source);
  // A folder may well be called as the API is.
  if (isName && /[a-z0-9]/i.test(source)) return { kind: 'name', location: source.trim() };
  if (found !== undefined) {
    throw new SourcewrightError('input', 'This is not a file.', {
      where: path,
      cure: 'Name the OpenAPI document itself (JSON or YAML).',
    });
  }
  throw new SourcewrightError('input', 'There is no such file.', {
    where: path,
    cure:
      "Name an OpenAPI description by its path or URL. An API's name in words, such as Pagerduty, is enough for " +
      '--engine agents.',
  });
}

/** A connector's name becomes a folder and a Python package: only plain words joined by hyphens will do. */
function connectorName(text: string): string {
  const name = text.replace(/^source-/, '');
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= 64) return name;
  throw new SourcewrightError('input', 'This name can not be used for a connector.', {
    where: '--name',
    cure: 'Use lower-case letters and digits, with single hyphens between words, beginning with a letter: pager-duty',
  });
}

/** Names of gates from the command line. */
export function gateNames(names: readonly string[]): GateName[] {
  return names.flatMap((text) => text.split(',')).map((text) => gateName(text.trim()));
}

export function gateName(text: string): GateName {
  const parsed = GateName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new SourcewrightError('input', `There is no gate "${text}".`, {
    cure: `The gates are ${GateName.options.join(', ')}.`,
  });
}

function gatesFrom(options: GenerateOptions): Partial<Record<GateName, GatePolicy>> {
  const named = gateNames(options.approve ?? []);
  const auto = options.auto === true ? GateName.options : named;
  return Object.fromEntries(GateName.options.map((gate) => [gate, auto.includes(gate) ? 'auto' : 'ask']));
}

async function folder(path: string, what: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return path;
  throw new SourcewrightError('input', `${what} is not a folder.`, { where: path });
}
