/** Filters "changed since" and the field of the row that they go by. */
import type { Incremental } from '../../blueprint/schema.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { pagingParameters, speaksOfTime } from './paging-request.ts';
import { statedMaxDays, timeFormatOf } from './prose.ts';
import { type SchemaReader, type SchemaView, isScalar } from './schema-view.ts';
import { squash, words } from './words.ts';

export interface IncrementalFinding {
  readonly incremental: Incremental | undefined;
  readonly confidence: number;
  readonly rule: string;
  readonly pointers: readonly string[];
  readonly quote: string;
  readonly doubts: readonly string[];
  /** Fields of the row that grow with changes, likeliest first. */
  readonly candidates: readonly (readonly string[])[];
}

type About = 'updated' | 'created' | 'time';

interface Filter {
  readonly parameter: Parameter;
  /** Name as sent; of an object parameter its property (`created[gte]`). */
  readonly name: string;
  readonly schema: SchemaView;
  readonly description: string;
  readonly about: About;
  readonly edge: 'start' | 'end';
  /** Stem of the field that the filter's name speaks of, if it does. */
  readonly field: string;
  readonly strength: number;
  /** Strictly greater rather than greater or equal. */
  readonly strict: boolean;
}

const UPDATED = /updat|modif|chang|edited|mtime|refreshed|touched/;
const CREATED =
  /creat|insert|added|issued|registered|submitted|received|placed|posted|ctime|joined|signup|opened|startedon|published|pubdate|publication/;
const START_WORDS =
  /^(since|after|from|gte|gt|ge|min|start|begin|begins|starting|lower|newer|greater|greaterthan|onorafter|beginning|earliest|low|starts|startingat|startingafter)$/;
const END_WORDS =
  /^(until|before|to|lte|lt|le|max|end|ends|ending|upper|older|less|lessthan|onorbefore|latest|till|high|through|thru|stop|upto)$/;
const TIME_WORDS =
  /^(at|on|date|time|datetime|timestamp|ts|utc|day|dt|unix|epoch|ms|iso|gmt|millis|seconds|dates|times)$/;
const UPDATED_FIELD =
  /^(last)?(updated?|modified|modification|changed?|edited|lastupdate|lastmodification|lastchange|systemmodstamp|mtime)(at|on|date|time|datetime|timestamp|utc|ts|unix|dt|dateutc|gmt|attime)*$|^date(last)?(updated|modified|changed)(gmt|utc)?$|^(updated|modified|changed)$|^(update|modify|modification|change|lastupdate|lastmodified|lastupdated|lastmodify|lastchanged)(time|date|datetime|timestamp|at|on|ts)?(utc|gmt)?$|(updated|modified|lastupdate)(at|on|date|time|datetime|timestamp)$/;
const CREATED_FIELD =
  /^(created?|creation|inserted|added|issued|registered|submitted|received|placed|posted|opened|joined|initiation)(at|on|date|time|datetime|timestamp|utc|ts|unix|dt|gmt)*$|^date(created|added|issued|submitted|received|opened)(gmt|utc)?$|(created|creation|initiation|issued|inserted|added)(at|on|date|time|datetime|timestamp|utc)+$/;
const EVENT_FIELD =
  /^(date|time|datetime|timestamp|ts|occurredat|eventtime|eventdate|eventtimestamp|occurred|when|day|publishedat|pubdate|publisheddate|publicationdate|sentat|startedat|starttime|startdate|start|loggedat|recordedat|transactiondate|postedat|datetimeutc|happenedat|deliveredat|completedat|finishedat|closedat|period)$/;

const FORMATS_BY_FIELD: Readonly<Record<About, RegExp>> = {
  updated: UPDATED_FIELD,
  created: CREATED_FIELD,
  time: EVENT_FIELD,
};

/** How often each name of a field stands in the rows of an API. */
export function countSpellings(rows: Iterable<SchemaView>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const name of row.properties.keys()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** How a list can be read from where the last read ended. */
export function findIncremental(
  endpoint: Endpoint,
  row: SchemaView,
  schemas: SchemaReader,
  spellings: ReadonlyMap<string, number> = new Map(),
): IncrementalFinding {
  const fields = timeFields(row, schemas, spellings);
  // When something happened is worth a question only where the row has no time of its own writing.
  const written = fields.filter((field) => field.about !== 'time');
  const candidates = (written.length > 0 ? written : fields)
    .sort((left, right) => rank(left.about) - rank(right.about))
    .map((field) => field.path);
  const filters = readFilters(endpoint, schemas);
  const starts = filters.filter((filter) => filter.edge === 'start').sort((a, b) => b.strength - a.strength);
  let orphan: Filter | undefined;
  for (const filter of starts) {
    const field = fieldFor(filter, fields);
    if (field === undefined) {
      orphan ??= filter;
      continue;
    }
    return found(endpoint, filter, field, filters, candidates);
  }
  return nothing(orphan, candidates, endpoint);
}

function rank(about: About): number {
  return { updated: 0, created: 1, time: 2 }[about];
}

// ---------------------------------------------------------------------------------------------------------- filters

function readFilters(endpoint: Endpoint, schemas: SchemaReader): Filter[] {
  const paging = new Set(pagingParameters(endpoint, schemas).map((parameter) => parameter.name));
  const filters: Filter[] = [];
  for (const parameter of endpoint.parameters) {
    if (parameter.in !== 'query' || paging.has(parameter.name) || parameter.deprecated) continue;
    if (parameter.schema.types.has('boolean')) continue;
    for (const part of parts(parameter, schemas)) {
      const filter = classify(parameter, part.name, part.schema, part.description);
      if (filter !== undefined) filters.push(filter);
    }
  }
  return filters;
}

/** Ranges are often objects: `created: {gt, gte, lt, lte}` is sent as `created[gte]`. */
function parts(
  parameter: Parameter,
  schemas: SchemaReader,
): { name: string; schema: SchemaView; description: string }[] {
  if (parameter.schema.properties.size === 0) {
    return [{ name: parameter.name, schema: parameter.schema, description: parameter.description }];
  }
  return [...parameter.schema.properties].map(([name, node]) => {
    const schema = schemas.view(node);
    const description = `${schema.description} ${parameter.description}`.trim();
    return { name: `${parameter.name}[${name}]`, schema, description };
  });
}

function classify(
  parameter: Parameter,
  name: string,
  schema: SchemaView,
  description: string,
): Filter | undefined {
  const parts = words(name).filter((word) => word !== 'filter' && word !== 'query' && word !== 'q');
  const split = parts.flatMap((word) => splitCompound(word));
  const start = split.some((word) => START_WORDS.test(word));
  const end = split.some((word) => END_WORDS.test(word)) && !start;
  const firstWord = split[0] ?? '';
  const startsLast = split.length > 1 && START_WORDS.test(firstWord);
  const rest = split.filter((word) => !START_WORDS.test(word) && !END_WORDS.test(word));
  const stemmed = rest.join('');
  const timely = speaksOfTime(name, schema, description, parameter.example);
  const spokenStart =
    /\b(since|after|newer than|later than|on or after|or later|greater than|at or after|from this|starting (from|at|on)|lower bound|no earlier|earliest|start(ing)? (date|time|of))\b/i.test(
      description,
    );
  const ifModified = squash(name) === 'ifmodifiedsince';
  const operator =
    !start && !end && UPDATED.test(stemmed)
      ? (/\bgte\b/.exec(description)?.[0] ?? /\bgt\b/.exec(description)?.[0])
      : undefined;
  if (!start && !end) {
    // `updated_at` alone as a parameter filters by equality unless its text says otherwise.
    if (!(UPDATED.test(stemmed) && (spokenStart || operator !== undefined)) || !timely) return undefined;
  }
  if (ifModified) return undefined;
  const about = aboutOf(stemmed, description);
  const hasTimeWord =
    rest.some((word) => TIME_WORDS.test(word)) || UPDATED.test(stemmed) || CREATED.test(stemmed);
  if (!timely && !hasTimeWord) return undefined;
  // `min` and `max` alone bound anything.
  if (
    rest.length === 0 &&
    split.every((word) => /^(min|max|low|lower|high|upper|greater|less)$/.test(word)) &&
    !/date/.test(schema.format ?? '')
  ) {
    return undefined;
  }
  if (schema.enum !== undefined && schema.enum.length > 0) return undefined;
  const foreign = stemmed.replace(/at$|on$|date|time|timestamp|datetime|utc|last/g, '');
  const generic = foreign === '' || UPDATED.test(stemmed) || CREATED.test(stemmed);
  let strength = { updated: 3, created: 2, time: 1.2 }[about];
  if (UPDATED.test(stemmed)) strength += 1;
  if (!generic) strength -= 1;
  if (parameter.required) strength += 0.5;
  if (startsLast && !timely) strength -= 0.3;
  const sent = operator === undefined ? name : `${name}[${operator}]`;
  const strict = split.some((word) => word === 'gt' || word === 'greater') || /[[_.]gt\]?$/i.test(sent);
  if (strict) strength -= 0.2;
  return {
    parameter,
    name: sent,
    schema,
    description,
    about,
    edge: end ? 'end' : 'start',
    field: stemmed,
    strength,
    strict,
  };
}

/** `updatedsince`, `startdate`, `fromtime`, `datefrom`: compounds without a boundary. */
function splitCompound(word: string): string[] {
  const tail = /^(.{3,})(since|after|from|until|before|gte|lte|min|max)$/.exec(word);
  if (tail?.[1] !== undefined && tail[2] !== undefined) return [tail[1], tail[2]];
  const head =
    /^(since|after|from|min|max|start|begin|end|before|until|to)(date|time|datetime|timestamp|day|updated.*|modified.*|created.*)$/.exec(
      word,
    );
  if (head?.[1] !== undefined && head[2] !== undefined) return [head[1], head[2]];
  return [word];
}

function aboutOf(stemmed: string, description: string): About {
  if (UPDATED.test(stemmed)) return 'updated';
  if (CREATED.test(stemmed)) return 'created';
  const text = description.toLowerCase();
  if (/\b(updated|modified|changed|last modif\w*|modification)\b/.test(text)) return 'updated';
  if (/\b(created|creation|added)\b/.test(text)) return 'created';
  return 'time';
}

// ------------------------------------------------------------------------------------------------------------ fields

/** Objects that hold parts of the row itself, not of a thing that the row refers to. */
const WRAPPER =
  /(info|data|attributes|details?|metadata|meta|node|resource|properties|fields|audit|timestamps|dates|system|sys|history)$/;

interface TimeField {
  readonly path: readonly string[];
  readonly key: string;
  readonly view: SchemaView;
  readonly about: About;
}

/** Fields of the row, and of objects directly in it, that hold a point in time. */
function timeFields(
  row: SchemaView,
  schemas: SchemaReader,
  spellings: ReadonlyMap<string, number>,
): TimeField[] {
  const fields: TimeField[] = [];
  const look = (view: SchemaView, prefix: readonly string[]): void => {
    for (const [name, node] of view.properties) {
      const inner = schemas.view(node);
      const key = squash(name);
      if (inner.properties.size > 0) {
        if (prefix.length === 0 && WRAPPER.test(key)) {
          look(inner, [name]);
        }
        continue;
      }
      if (!isScalar(inner) || inner.types.has('boolean')) continue;
      const about = aboutField(key, name, inner);
      if (about !== undefined) fields.push({ path: [...prefix, name], key, view: inner, about });
    }
  };
  look(row, []);
  // Ends, expiries and due dates lie ahead: nothing is read forward by them unless a filter names them.
  const ahead = (field: TimeField): number =>
    /^(end|expir|due|next|until|valid|cancel|delet|trial|renew|archiv)/.test(field.key) ? 1 : 0;
  // Of `createdAt` and `created_at` in one row the one that the API's other rows have.
  const usual = (field: TimeField): number => spellings.get(field.path.at(-1) ?? '') ?? 0;
  return fields.sort(
    (left, right) =>
      left.path.length - right.path.length ||
      ahead(left) - ahead(right) ||
      (left.key === right.key ? usual(right) - usual(left) : 0),
  );
}

function namedAsTime(key: string, name: string): boolean {
  const last = words(name).at(-1) ?? '';
  return (
    EVENT_FIELD.test(key) || (words(name).length > 1 && /^(date|time|timestamp|at|datetime)$/.test(last))
  );
}

function aboutField(key: string, name: string, view: SchemaView): About | undefined {
  const timeFormat = /date|time/i.test(view.format ?? '');
  const textual = view.types.has('string');
  if (/by$|count$|name$|id$|zone$|url$/.test(key)) return undefined;
  if (UPDATED_FIELD.test(key)) return 'updated';
  if (CREATED_FIELD.test(key)) return 'created';
  if (timeFormat) return 'time';
  if (namedAsTime(key, name) && (textual || view.types.has('integer') || view.types.has('number'))) {
    const said =
      /\b(date|time|timestamp|when)\b/i.test(view.description) ||
      /^(date|timestamp|time|datetime)$/.test(key);
    return said ? 'time' : undefined;
  }
  return undefined;
}

function fieldFor(filter: Filter, fields: readonly TimeField[]): TimeField | undefined {
  const bare = (text: string): string =>
    text.replace(/(at|on|date|time|timestamp|datetime|utc|ts)$/g, '').replace(/^(date|last)/, '');
  const wanted = bare(filter.field);
  const exact =
    fields.find((field) => field.key === filter.field) ??
    fields.find((field) => wanted !== '' && bare(field.key) === wanted);
  if (exact !== undefined) return exact;
  const same = fields.find(
    (field) => field.about === filter.about && FORMATS_BY_FIELD[filter.about].test(field.key),
  );
  if (filter.about === 'updated') return same;
  if (filter.about === 'created')
    return same ?? fields.find((field) => field.about === 'time' && field.path.length === 1);
  // Filters by an unnamed time go by the row's own time, which is mostly that of its making.
  if (wanted !== '' && !/^(start|begin|from|since|period|range|min|event|start(ing)?)$/.test(wanted))
    return undefined;
  const spoken = filter.description.toLowerCase();
  // "Lower bound for an event's end time": a time in the life of the row, not of its making or change.
  if (
    /('s|\bits) (start|end|due|begin)|\b(start|end|due) (time|date) to filter|\b(scheduled|takes? place|occurr?s|upcoming)\b/.test(
      spoken,
    )
  )
    return undefined;
  const named = fields.find(
    (field) =>
      field.about === 'time' && /^(date|timestamp|time|datetime|ts|occurredat|eventtime)$/.test(field.key),
  );
  if (/\b(updat|modif|chang)/.test(spoken)) return fields.find((field) => field.about === 'updated');
  return (
    fields.find((field) => field.about === 'created' && field.path.length === 1) ??
    named ??
    fields.find((field) => field.about === 'time' && /^(start|begin)/.test(field.key)) ??
    fields.find((field) => field.about === 'created') ??
    fields.find((field) => field.about === 'time' && field.path.length === 1)
  );
}

// ------------------------------------------------------------------------------------------------------------ result

function found(
  endpoint: Endpoint,
  filter: Filter,
  field: TimeField,
  filters: readonly Filter[],
  candidates: readonly (readonly string[])[],
): IncrementalFinding {
  const end = filters.find(
    (other) => other.edge === 'end' && (other.field === filter.field || other.about === filter.about),
  );
  const stated = timeFormatOf(
    filter.schema,
    `${filter.name} ${filter.description}`,
    filter.parameter.example ?? filter.schema.example,
  );
  const inField = timeFormatOf(field.view, field.view.description, field.view.example);
  const numericField = field.view.types.has('integer') || field.view.types.has('number');
  const cursorFormat: Incremental['cursorFormat'] =
    inField ?? (numericField ? 'unix_seconds' : (stated ?? 'date_time'));
  const paramFormat: Incremental['cursorFormat'] =
    stated ??
    (cursorFormat === 'unix_seconds' || cursorFormat === 'unix_milliseconds' ? cursorFormat : 'date_time');
  const required = filter.parameter.required;
  const days = statedMaxDays(`${filter.description} ${end?.description ?? ''} ${endpoint.description}`);
  const named = UPDATED.test(filter.field) || CREATED.test(filter.field);
  const confidence =
    (named ? 0.88 : filter.about === 'updated' ? 0.85 : filter.about === 'created' ? 0.8 : 0.6) -
    (field.path.length > 1 ? 0.1 : 0);
  const doubts: string[] = [];
  if (!named && filter.about === 'time')
    doubts.push(`whether ${filter.name} goes by ${field.path.join('.')}`);
  if (stated === undefined) doubts.push(`in which format ${filter.name} is written`);
  return {
    incremental: {
      cursorField: [...field.path],
      cursorFormat,
      param: filter.name,
      paramFormat,
      required,
      ...(end !== undefined && (end.parameter.required || required || days !== undefined)
        ? { endParam: end.name }
        : {}),
      ...(days === undefined ? {} : { maxWindowDays: days }),
    },
    confidence,
    rule: named ? 'filter-named-after-field' : 'filter-by-time',
    pointers: [filter.parameter.pointer, field.view.pointer],
    quote: `${filter.name} ↔ ${field.path.join('.')}`,
    doubts,
    candidates,
  };
}

function nothing(
  orphan: Filter | undefined,
  candidates: readonly (readonly string[])[],
  endpoint: Endpoint,
): IncrementalFinding {
  const doubts: string[] = [];
  if (orphan !== undefined) doubts.push(`which field of the rows ${orphan.name} goes by`);
  return {
    incremental: undefined,
    confidence: orphan === undefined ? (candidates.length > 0 ? 0.6 : 0.85) : 0.4,
    rule: orphan === undefined ? 'no-filter' : 'filter-without-field',
    pointers: [orphan?.parameter.pointer ?? endpoint.pointer],
    quote: orphan?.name ?? '',
    doubts,
    candidates,
  };
}
