/** Makes a blueprint without a description whole: schemas read, settings for what nothing fills, operations for both faces. */
import type {
  Blueprint,
  Operation,
  OperationParameter,
  Stream,
  StreamParameter,
} from '../../blueprint/schema.ts';
import { readPlainRows, type PlainRow } from '../../openapi/plain-rows.ts';
import { NameRegistry, pythonName } from '../../openapi/rules/naming.ts';
import { configKey } from '../../openapi/rules/stream-parameters.ts';
import { sentByReading } from './corrections.ts';
import { pathParameters } from './agent/endpoint.ts';

/** The blueprint that the compiler takes; the one given stays as it is. */
export async function finished(blueprint: Blueprint): Promise<Blueprint> {
  const rows = await readPlainRows(
    Object.fromEntries(blueprint.streams.map((stream) => [stream.name, stream.schema])),
  );
  const streams = blueprint.streams.map((stream) => ({
    ...stream,
    schema: rowSchemaOf(stream, rows.get(stream.name)),
    parameters: settled(stream),
  }));
  const operations = operationsOf(streams, rows);
  const chosen = operations.filter((operation) => operation.selected).length;
  return {
    ...blueprint,
    streams,
    operations,
    facts: [
      ...blueprint.facts,
      {
        subject: null,
        fact: 'operation',
        value: `${chosen} of ${operations.length} operations selected`,
        confidence: 0.95,
        rule: 'one-per-stream',
        evidence: [{ source: 'default' }],
        status: 'found',
      },
    ],
  };
}

/** Rows of a map carry the key that they stood under. */
function rowSchemaOf(stream: Stream, row: PlainRow | undefined): Stream['schema'] {
  const schema = row?.schema ?? {};
  if (stream.recordShape !== 'map') return schema;
  const properties = schema['properties'];
  return { ...schema, properties: { _key: { type: 'string' }, ...(properties ?? {}) } };
}

/** The parameters that a read sends; what must be sent and nothing fills becomes a setting. */
function settled(stream: Stream): StreamParameter[] {
  const filled = new Set(stream.parent?.parameters.map(({ name }) => name));
  const wanted = pathParameters(stream.path).filter((name) => !filled.has(name));
  const declared = new Set(stream.parameters.filter((one) => one.in === 'path').map(({ name }) => name));
  const inPath = (name: string): StreamParameter => ({ name, in: 'path', type: 'string', required: true });
  const sent = new Set(sentByReading(stream));
  const segments = stream.path.split('/').filter((segment) => segment !== '');
  return [...wanted.filter((name) => !declared.has(name)).map(inPath), ...stream.parameters]
    .filter((one) => one.in !== 'path' || wanted.includes(one.name))
    .filter((one) => one.in !== 'query' || !sent.has(one.name))
    .map((one) =>
      one.required && one.value === undefined
        ? { ...one, configKey: configKey(one.name, { segments }) }
        : one,
    );
}

/** One operation per stream, with what its path, its paging and its filter take. */
function operationsOf(streams: readonly Stream[], rows: ReadonlyMap<string, PlainRow>): Operation[] {
  const names = new NameRegistry();
  const operations = streams.map((stream): Operation => {
    const kind = stream.recordShape === 'single' ? 'get' : 'list';
    return {
      name: names.take(pythonName(`${kind}_${stream.name}`, `${kind}_records`, true)),
      method: stream.method,
      path: stream.path,
      pointer: stream.pointer,
      selected: stream.selected,
      summary: `${kind === 'get' ? 'Get' : 'List'} ${stream.name.replaceAll('_', ' ')}`,
      ...described(stream),
      kind,
      parameters: parametersOf(stream),
      recordPath: [...stream.recordPath],
      result: 'dataframe',
      columns: rows.get(stream.name)?.columns(stream.primaryKey) ?? [],
      paging: kind === 'get' ? { kind: 'none' } : stream.paging,
      next: [],
    };
  });
  chain(streams, operations);
  return operations;
}

/** What the stream is said to be: its title, where that says more than its name, and its description. */
function described({ name, title, description }: Stream): { description?: string } {
  const letters = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
  const telling = title !== undefined && !letters(title).includes(letters(name));
  const sentences = [telling ? title.replace(/[^.!?]$/, '$&.') : undefined, description].filter(isNamed);
  return sentences.length === 0 ? {} : { description: sentences.join(' ') };
}

/**
 * What the caller sets is what the path leaves open, the parent's values in the query, settings and filters; constants are
 * sent as the stream sends them.
 */
function parametersOf(stream: Stream): OperationParameter[] {
  const names = new NameRegistry();
  const known = new Set(stream.parameters.map((one) => `${one.in} ${one.name}`));
  const more = (
    location: 'path' | 'query' | 'body',
    type: 'string' | 'integer',
    list: readonly string[],
    required: boolean,
  ): StreamParameter[] =>
    list
      .filter((name) => !known.has(`${location} ${name}`))
      .map((name): StreamParameter => ({ name, in: location, type, required }));
  const numbered = stream.paging.kind !== 'cursor';
  const inPath = pathParameters(stream.path);
  const from = new Map(parentsOf(stream));
  const quotes = new Map(stream.parent?.parameters.map(({ name, quote }) => [name, quote]));
  const above = [...quotes.keys()];
  const filters = [stream.incremental?.param, stream.incremental?.endParam].filter(isNamed);
  const changing = stream.method === 'POST' ? 'body' : 'query';
  const all = [
    ...more('path', 'string', inPath, true),
    ...more(
      'query',
      'string',
      above.filter((name) => !inPath.includes(name)),
      true,
    ),
    ...stream.parameters,
    ...more(changing, numbered ? 'integer' : 'string', sentByReading({ paging: stream.paging }), false),
    ...more(changing, 'string', filters, false),
  ];
  return all.map((one) => {
    const pythonic = names.take(pythonName(one.name, 'value'));
    const quote = one.required ? quotes.get(one.name) : undefined;
    const words = pythonic.replaceAll('_', ' ').trim();
    return {
      name: one.name,
      pythonName: pythonic,
      in: one.in,
      type: one.type,
      required: one.required && one.value === undefined,
      description:
        one.description ?? from.get(one.name) ?? `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`,
      ...(one.enum === undefined ? {} : { enum: one.enum }),
      ...(one.value === undefined ? {} : { value: one.value }),
      ...(quote === undefined ? {} : { quote }),
    };
  });
}

/** Where the values of a parent come from, in words: "Id of one of the pages". */
function parentsOf({ name: own, parent }: Stream): [string, string][] {
  const readable = (words: readonly string[]): string => words.join(' ').replaceAll('_', ' ');
  return (parent?.parameters ?? []).flatMap(({ name, from }): [string, string][] => {
    if (from.kind !== 'record') return [];
    const above = readable([parent?.stream ?? '', ...(parent?.recursive === undefined ? [] : ['or', own])]);
    const field = readable(from.field);
    return [[name, `${field.slice(0, 1).toUpperCase()}${field.slice(1)} of one of the ${above}.`]];
  });
}

function isNamed(name: string | undefined): name is string {
  return name !== undefined;
}

/** From a list to the lists below one of its rows. */
function chain(streams: readonly Stream[], operations: readonly Operation[]): void {
  for (const [index, stream] of streams.entries()) {
    const target = operations[index];
    const above = operations[streams.findIndex((one) => one.name === stream.parent?.stream)];
    if (target === undefined || above === undefined || !target.selected || above.kind === 'get') continue;
    for (const { name, from } of stream.parent?.parameters ?? []) {
      const parameter = target.parameters.find((one) => one.required && one.name === name);
      if (from.kind !== 'record' || parameter === undefined) continue;
      const step = { operation: target.name, parameter: parameter.pythonName };
      above.next.push({ ...step, field: from.field });
      const { recursive } = stream.parent ?? {};
      if (recursive !== undefined) target.next.push({ ...step, field: recursive.field ?? from.field });
    }
  }
}
