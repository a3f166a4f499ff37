/** The parameters of a stream that stay the same for all its requests: constants, the person's settings, the rest. */
import type { Stream, StreamParameter } from '../../blueprint/schema.ts';
import { isCredential } from './auth-prose.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { isParameterSegment } from './endpoints.ts';
import { pythonName } from './naming.ts';
import { enumOf, scalarTypeOf } from './operations.ts';
import type { StreamDraft } from './streams.ts';
import { shorten, singular, squash, words } from './words.ts';

const CLIENT_HEADERS =
  /^(accept|contenttype|useragent|acceptencoding|authorization|ifnonematch|ifmodifiedsince|xrequestid|requestid|host|connection|cachecontrol)$/;
const RESERVED_KEYS = new Set(['credentials', 'base_url', 'start_date', 'streams', 'state']);
const MAX_OPTIONAL = 25;

/** Names that paging and the incremental filter send themselves. */
function sentElsewhere(draft: StreamDraft): ReadonlySet<string> {
  const { paging } = draft.paging;
  const names: (string | undefined)[] = [];
  if (paging.kind !== 'none') names.push(paging.sizeParam);
  if (paging.kind === 'page') names.push(paging.pageParam);
  if (paging.kind === 'offset') names.push(paging.offsetParam);
  if (paging.kind === 'cursor') names.push(paging.cursorParam);
  const { incremental } = draft.incremental;
  names.push(incremental?.param, incremental?.endParam);
  return new Set(names.filter((name) => name !== undefined));
}

/** The parameters of a stream; those with a `configKey` and no value must be filled by the person. */
export function streamParameters(draft: StreamDraft, apiHeaders: ReadonlySet<string>): Stream['parameters'] {
  const { endpoint } = draft;
  const elsewhere = sentElsewhere(draft);
  const unfilled = new Set(draft.parent.unfilled.map((parameter) => parameter.name));
  const linked = new Set(draft.parent.parent?.parameters.map((parameter) => parameter.name));
  const constants = endpoint.constants.map((constant): StreamParameter => ({
    name: constant.name,
    in: 'query',
    type: 'string',
    required: true,
    value: constant.value,
  }));
  const kept: StreamParameter[] = [...constants];
  let optional = 0;
  for (const parameter of endpoint.parameters) {
    if (isCredential(parameter) || constants.some((constant) => constant.name === parameter.name)) continue;
    if (parameter.in === 'path') {
      if (unfilled.has(parameter.name)) kept.push(pathParameter(parameter, endpoint));
      continue;
    }
    if (parameter.in === 'cookie' && !parameter.required) continue;
    if (parameter.in === 'header') {
      if (
        CLIENT_HEADERS.test(squash(parameter.name)) ||
        apiHeaders.has(parameter.name.toLowerCase()) ||
        !parameter.required
      )
        continue;
    }
    if (elsewhere.has(parameter.name) || (parameter.in === 'query' && linked.has(parameter.name))) continue;
    if (!parameter.required && (optional >= MAX_OPTIONAL || parameter.deprecated)) continue;
    if (!parameter.required) optional += 1;
    kept.push(settled(parameter, endpoint));
  }
  return kept;
}

function settled(parameter: Parameter, endpoint: Endpoint): StreamParameter {
  const base = bare(parameter);
  if (!parameter.required) return base;
  const value = constantOf(parameter);
  if (value !== undefined) return { ...base, value };
  return { ...base, configKey: configKey(parameter.name, endpoint) };
}

function pathParameter(parameter: Parameter, endpoint: Endpoint): StreamParameter {
  const base = bare(parameter);
  const only = base.enum?.length === 1 ? base.enum[0] : undefined;
  const usual = only ?? scalar(parameter.schema.default);
  if (usual !== undefined && usual !== '') return { ...base, value: usual };
  return { ...base, configKey: configKey(parameter.name, endpoint) };
}

function bare(parameter: Parameter): StreamParameter {
  const values = enumOf(parameter.schema);
  const description = shorten(parameter.description, 160);
  return {
    name: parameter.name,
    in: parameter.in,
    type: scalarTypeOf(parameter.schema),
    ...(description === '' ? {} : { description }),
    required: parameter.required,
    ...(values === undefined || values.length > 60 ? {} : { enum: values }),
  };
}

/** The value that a required parameter is sent with where the description leaves no choice or names a usual one. */
export function constantOf(parameter: Parameter): string | number | boolean | undefined {
  const usual = scalar(parameter.schema.default);
  if (usual !== undefined && usual !== '') return usual;
  const values = enumOf(parameter.schema);
  return values?.length === 1 ? values[0] : undefined;
}

function scalar(value: unknown): string | number | boolean | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}

/** `{id}` under `/calendars` is asked for as `calendar_id`; `{account_id}` as it is called. */
export function configKey(name: string, endpoint: Pick<Endpoint, 'segments'>): string {
  const plain = pythonName(name, 'value');
  let key = plain;
  if (/^(id|sid|uuid|key|name|slug|code|type|value|number|ids)_?$/.test(plain)) {
    const at = endpoint.segments.findIndex((segment) => segment.includes(`{${name}}`));
    const before = endpoint.segments
      .slice(0, at < 0 ? endpoint.segments.length : at)
      .findLast((segment) => !isParameterSegment(segment));
    const entity = words(before ?? '')
      .map(singular)
      .join('_');
    if (entity !== '') key = pythonName(`${entity}_${name}`, plain);
  }
  return RESERVED_KEYS.has(key) ? `${key}_value` : key;
}
