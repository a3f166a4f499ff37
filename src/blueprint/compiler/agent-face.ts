/**
 * Emits the agent face of a connector: one async function per selected operation, each with its own parameter model,
 * and the sets `CONNECTORS` and `FETCH_CONNECTORS`. What all operations share is in the template (agent.py, calls.py,
 * tables.py). One module holds them while it stays readable; larger APIs get a package with a module per resource.
 */
import type { Blueprint } from '../schema.ts';
import { operationTests } from './agent-face-tests.ts';
import { operationLines, type ClientNeed } from './agent-face-operation.ts';
import { planOperations, type PlannedOperation } from './agent-face-plan.ts';
import { Names } from './agent-face-names.ts';
import { docstring, plainText } from './agent-face-python.ts';
import type { CompiledFile } from './compile.ts';

/** Lines of one module: 400, or 600 where it holds 15 operations or more. */
const LINES_OF_FEW = 400;
const LINES_OF_MANY = 600;
const MANY_OPERATIONS = 15;

/** Files of the agent face and its tests, paths relative to the connector's folder. Deterministic. */
export function emitAgentFace(blueprint: Blueprint): CompiledFile[] {
  const planned = planOperations(blueprint);
  const need: ClientNeed = {
    required: needsConfiguration(blueprint),
    tag: blueprint.name.replaceAll('-', '_'),
  };
  const bodies = planned.map((entry) => ({ entry, lines: operationLines(entry, need) }));
  const title = plainText(blueprint.api.title, 50) || blueprint.name;
  const single = module(
    `Operations of ${title} for language models.`,
    bodies,
    'src',
    exportLines(planned, need),
  );
  const most = planned.length >= MANY_OPERATIONS ? LINES_OF_MANY : LINES_OF_FEW;
  const sources =
    single.length <= most ? [file('src/operations.py', single)] : packageFiles(title, bodies, planned, need);
  return [...sources, ...operationTests(blueprint, planned)];
}

/** Whether a client can be made without anything from the person. */
function needsConfiguration(blueprint: Blueprint): boolean {
  const open = blueprint.auth.some((option) => option.parts.every((part) => part.kind === 'none'));
  const variables = blueprint.serverVariables.some((variable) => variable.default === undefined);
  const parameters = blueprint.streams.some(
    (stream) =>
      stream.selected &&
      (stream.incremental?.required === true ||
        stream.parameters.some(
          (one) => one.required && one.value === undefined && one.configKey !== undefined,
        )),
  );
  return !open || variables || parameters || !/^https?:\/\//.test(blueprint.baseUrl);
}

interface Body {
  readonly entry: PlannedOperation;
  readonly lines: readonly string[];
}

/** A module of operations. `level`: `src` imports from `.`, a module of the package from `..`. */
function module(
  summary: string,
  bodies: readonly Body[],
  level: 'src' | 'package',
  exports: readonly string[],
): string[] {
  const from = level === 'src' ? '.' : '..';
  const text = withoutStrings(bodies.flatMap((body) => body.lines).join('\n'));
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
  const used = (names: readonly string[]): string[] => names.filter(uses);
  const agent = used(['Column', 'ColumnRole', 'OutputConfig', 'Result', 'connector']);
  const calls = used([
    'RowsAt',
    'cookies',
    'deep',
    'fetch_table',
    'fetch_text',
    'given',
    'joined',
    'quoted',
    'texts',
  ]);
  const paging = used(['Cursor', 'LinkHeader', 'NextUrl', 'Offset', 'PageNumber']);
  const pages = used(['Request']);
  const pydantic = used(['BaseModel', 'ConfigDict', 'Field', 'JsonValue']);
  const typing = used(['Literal']);
  const agentNames = (exports.length > 0 ? ['Connectors', ...agent] : agent).sort(importOrder);
  const lines = [
    ...docstring('', summary),
    '',
    ...(typing.length > 0 ? [`from typing import ${typing.join(', ')}`, ''] : []),
    ...(pydantic.length > 0 ? [`from pydantic import ${pydantic.join(', ')}`, ''] : []),
    `from ${from}agent import ${agentNames.join(', ')}`,
    ...(calls.length > 0 ? [`from ${from}calls import ${calls.join(', ')}`] : []),
    ...(bodies.length > 0 ? [`from ${from}client import ApiClient`] : []),
    ...(pages.length > 0 ? [`from ${from}pages import ${pages.join(', ')}`] : []),
    ...(paging.length > 0 ? [`from ${from}paging import ${paging.join(', ')}`] : []),
  ];
  for (const body of bodies) lines.push('', '', ...body.lines);
  if (exports.length > 0) lines.push('', ...(bodies.length > 0 ? [''] : []), ...exports);
  return lines;
}

/** Code without docstrings and strings: a name in a description is not used. */
function withoutStrings(code: string): string {
  return code.replace(/"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}

/** Order of imported names as ruff sorts them: constants, classes, then the rest. */
function importOrder(a: string, b: string): number {
  const rank = (name: string): number => (/^[A-Z0-9_]+$/.test(name) ? 0 : /^[A-Z]/.test(name) ? 1 : 2);
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function exportLines(planned: readonly PlannedOperation[], need: ClientNeed): string[] {
  const all = planned.map((entry) => entry.name);
  return [
    '#: Every operation.',
    ...connectorsLines('CONNECTORS', all),
    '',
    '#: Those that run only after `bind_deps(client=…)`, since the API asks for credentials or settings.',
    need.required || all.length === 0 ? 'FETCH_CONNECTORS = CONNECTORS' : 'FETCH_CONNECTORS = Connectors()',
  ];
}

function connectorsLines(constant: string, names: readonly string[]): string[] {
  if (names.length === 0) return [`${constant} = Connectors()`];
  return [`${constant} = Connectors(`, '    [', ...names.map((name) => `        ${name},`), '    ]', ')'];
}

// ----------------------------------------------------------------------------------------------------------- package

/** One module per resource (first fixed segment of the path), small ones together, large ones cut. */
function packageFiles(
  title: string,
  bodies: readonly Body[],
  planned: readonly PlannedOperation[],
  need: ClientNeed,
): CompiledFile[] {
  const modules = groups(bodies);
  const imports = modules
    .map(({ name, bodies: inside }) => ({ name, names: inside.map((body) => body.entry.name).sort() }))
    .sort((a, b) => naturalOrder(a.name, b.name))
    .flatMap(({ name, names }) => [`from .${name} import (`, ...names.map((one) => `    ${one},`), ')']);
  const init = [
    ...docstring('', `Operations of ${title} for language models, a module per resource.`),
    '',
    'from ..agent import Connectors',
    ...imports,
    '',
    ...exportLines(planned, need),
  ];
  return [
    file('src/operations/__init__.py', init),
    ...modules.map(({ name, bodies: inside }) =>
      file(
        `src/operations/${name}.py`,
        module(`Operations: ${name.replaceAll('_', ' ')}.`, inside, 'package', []),
      ),
    ),
  ];
}

/** Numbers in names by value, as import sorting has it: `on_tasks_2` before `on_tasks_10`. */
function naturalOrder(a: string, b: string): number {
  const parts = (name: string): string[] => name.match(/\d+|\D+/g) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    if (/^\d/.test(part) && /^\d/.test(other)) return Number(part) - Number(other);
    return part < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** Resources in the order of their first operation; small neighbours share a module, large ones take several. */
function groups(bodies: readonly Body[]): { name: string; bodies: Body[] }[] {
  const resources = new Map<string, Body[]>();
  for (const body of bodies) {
    const resource = resourceOf(body.entry);
    resources.set(resource, [...(resources.get(resource) ?? []), body]);
  }
  const modules: { first: string; last: string; bodies: Body[] }[] = [];
  for (const [resource, inside] of resources) {
    const last = modules.at(-1);
    if (last !== undefined && length([...last.bodies, ...inside]) <= LINES_OF_FEW) {
      last.bodies.push(...inside);
      last.last = resource;
    } else {
      modules.push(...cut(inside).map((part) => ({ first: resource, last: resource, bodies: part })));
    }
  }
  const names = new Names();
  return modules.map(({ first, last, bodies: inside }) => ({
    name: names.take(first === last ? `on_${first}` : `on_${first}_to_${last}`),
    bodies: inside,
  }));
}

function resourceOf({ operation }: PlannedOperation): string {
  const segments = operation.path.split('/').filter((part) => part !== '' && !/[{}]/.test(part));
  const telling = segments.find((part) => !/^(api|rest|v?\d+(\.\d+)*)$/i.test(part)) ?? segments[0] ?? 'root';
  const name = telling
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return name === '' ? 'root' : name.slice(0, 40);
}

/** Pieces of at most 400 lines; a single operation longer than that stands alone. */
function cut(bodies: readonly Body[]): Body[][] {
  const pieces: Body[][] = [];
  for (const body of bodies) {
    const last = pieces.at(-1);
    if (last === undefined || length([...last, body]) > LINES_OF_FEW) pieces.push([body]);
    else last.push(body);
  }
  return pieces;
}

/** Lines of a module with these operations, its heading included. */
function length(bodies: readonly Body[]): number {
  const heading = 20;
  return bodies.reduce((sum, body) => sum + body.lines.length + 2, heading);
}

function file(path: string, lines: readonly string[]): CompiledFile {
  return { path, content: `${lines.join('\n')}\n` };
}
