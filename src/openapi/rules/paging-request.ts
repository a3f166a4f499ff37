/** The request's half of paging: which query parameters ask for a page, an offset, a cursor and a page's size. */
import type { Endpoint, Parameter } from './endpoints.ts';
import type { SchemaReader, SchemaView } from './schema-view.ts';
import { squash } from './words.ts';

export type PagingRole = 'page' | 'offset' | 'size' | 'cursor' | 'keyset';

/** A query parameter that has to do with paging. */
export interface PagingParameter {
  /** As it is sent: `page[number]` where the document describes an object `page`. */
  readonly name: string;
  readonly role: PagingRole;
  readonly schema: SchemaView;
  readonly description: string;
  readonly example: unknown;
  readonly pointer: string;
  readonly required: boolean;
  /** How much the name alone says: 1 for names used for nothing else. */
  readonly strength: number;
}

const vocabulary = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const PAGE = vocabulary(
  'page pagenumber pageno pagenum pagenr pageindex currentpage pageid paged pg pagenumbers pagepage paginationpage paginationpagenumber pagingpage pagingpagenumber pagepagenumber requestedpage pagecurrent filterpage querypage optionspage paginationpageindex pageindexzero whichpage resultpage resultspage pagetoget startpage pagestart',
);
const OFFSET = vocabulary(
  'offset skip start startindex startat startfrom startrow startrecord startitem firstresult firstrecord firstitem rowoffset recordoffset resultoffset resultsoffset itemoffset pageoffset paginationoffset pagingoffset beginindex startposition sysparmoffset paginationskip resultstart fromindex startindexnumber pagestartindex odataskip skipcount recordstart begin startnumber skiprecords skipcountrecords listoffset',
);
const SIZE = vocabulary(
  'limit perpage pagesize maxresults max size take rows numresults top resultsperpage itemsperpage recordsperpage pagelimit maxitems maxpagesize pagelength batchsize pagingpagesize paginationpagesize paginationlimit paginationperpage paginationsize paginglimit pageperpage pagepagesize pagecount pagerecords maxrecords maxcount maxresultcount maxrows rowcount sysparmlimit recordlimit resultlimit resultslimit numberofresults numitems numrows numberofitems numrecords perpagecount resultcount resultsize limitcount ps itemcount nbresults entriesperpage pageitems hitsperpage maxentries maxkeys maxlimit pagesizelimit rowsperpage countperpage amountperpage querylimit listlimit countlimit fetchlimit maxhits itemlimit numofresults maximumresults pagerows pgsize psize pagingsize',
);
/** Sizes only when they are numbers and something else pages. */
const WEAK_SIZE = vocabulary(
  'count first num number n length amount last results per quantity items records nb',
);
const CURSOR = vocabulary(
  'scrollparam cursor pagetoken nexttoken nextpagetoken nextcursor continuation continuationtoken continuationkey marker scrollid scroll startkey nextpageid pageafter paginationtoken exclusivestartkey bookmark pagecursor aftercursor nextpage startcursor endcursor nextkey nextpagekey skiptoken searchafter nextmarker pagingtoken cursormark iterator resumetoken resumptiontoken startingtoken paginationcursor pagingcursor cursorafter cursornext aftertoken pagingnext nextlink nextid startid position pagingafter paginationafter pagestate pagingstate startkeytoken starttoken requesttoken nextrecordkey pagekey nextpageurl after pagebookmark pagemarker pagenext odataskiptoken paginationkey nextpagecursor anchor lastkey lastevaluatedkey nextstartkey next cursortoken contextid nextcursormark cursorid nextpagestart',
);
/** The next page begins after the row of this id. */
const KEYSET = vocabulary(
  'startingafter afterid sinceid lastid lastseenid startafter startafterid fromid minid greaterthanid idgt startingafterid lastitemid lastrecordid afterkey afteruuid lastobjectid offsetid idafter',
);

const KNOWN = [PAGE, OFFSET, SIZE, CURSOR, KEYSET] as const;

/** Time filters go by some of the same names as cursors. */
export function speaksOfTime(
  name: string,
  schema: SchemaView,
  description: string,
  example: unknown,
): boolean {
  if (schema.format !== undefined && /date|time/i.test(schema.format)) return true;
  if (
    /\b(date|time|timestamp|datetime|iso.?8601|rfc.?3339|unix|epoch|utc|created|updated|modified|occurred|yyyy|day|older than|newer than)\b/i.test(
      description,
    )
  ) {
    return !/\b(cursor|token|pagination|next page|ID of the|object ID|for paging)\b/i.test(description);
  }
  if (typeof example === 'string' && /^\d{4}-\d{2}-\d{2}/.test(example)) return true;
  return /(date|time|_at|At)$/.test(name) && !/token|cursor|^(start|begin)_?at$/i.test(name);
}

function numeric(schema: SchemaView): boolean {
  return schema.types.has('integer') || schema.types.has('number');
}

/** True for a type that can hold a number: integers, numbers and what is not said. */
function mayBeNumber(schema: SchemaView, example: unknown): boolean {
  if (schema.types.size === 0 || numeric(schema)) return true;
  if (!schema.types.has('string') || schema.enum !== undefined) return false;
  return (
    /^\d+$/.test(typeof example === 'string' ? example : '') ||
    (typeof schema.default === 'string' && /^\d+$/.test(schema.default)) ||
    schema.format === 'int32' ||
    schema.format === 'int64' ||
    (example === undefined && schema.default === undefined && schema.format === undefined)
  );
}

/** The paging parameters of an endpoint in the order of the document. */
export function pagingParameters(endpoint: Endpoint, schemas: SchemaReader): PagingParameter[] {
  const found: PagingParameter[] = [];
  for (const parameter of endpoint.parameters) {
    if (parameter.in !== 'query' || parameter.deprecated) continue;
    for (const flat of flatten(parameter, schemas)) {
      const classified = classify(flat);
      if (classified !== undefined) found.push(classified);
    }
  }
  const pages = found.some((parameter) => parameter.role !== 'size');
  // `count`, `first`, `num` set a page's size only beside a parameter that pages.
  return found.filter((parameter) => parameter.role !== 'size' || parameter.strength >= 0.6 || pages);
}

type Flat = Pick<Parameter, 'name' | 'schema' | 'description' | 'example' | 'pointer' | 'required'>;

/** A parameter that is an object (`page: {size, after}`) as the parameters that are sent for it. */
function flatten(parameter: Parameter, schemas: SchemaReader): Flat[] {
  if (parameter.schema.properties.size === 0) return [parameter];
  const deep = parameter.pointer === '' || parameter.schema.types.has('object');
  if (!deep) return [parameter];
  return [...parameter.schema.properties].map(([name, node]) => {
    const schema = schemas.view(node);
    return {
      name: parameter.name === '' ? name : `${parameter.name}[${name}]`,
      schema,
      description: schema.description,
      example: schema.example,
      pointer: node.pointer,
      required: false,
    };
  });
}

function classify(parameter: Flat): PagingParameter | undefined {
  const { name, schema, description, example } = parameter;
  // `$skip` and `filter[limit]`: signs and brackets say nothing; but filters are filters.
  if (/^filter/i.test(name) && !/limit|offset|page|skip/i.test(name)) return undefined;
  if (schema.types.has('boolean') || schema.types.has('array')) return undefined;
  const key = roleKey(name);
  const role = (kind: PagingRole, strength: number): PagingParameter => ({
    name,
    role: kind,
    schema,
    description,
    example,
    pointer: parameter.pointer,
    required: parameter.required,
    strength,
  });
  const time = speaksOfTime(name, schema, description, example);
  if (PAGE.has(key) || (key === 'p' && /page/i.test(description))) return classifyPage(parameter, role);
  if (SIZE.has(key)) return classifySize(parameter, role, key);
  if (OFFSET.has(key) && !time) return classifyOffset(parameter, role, key);
  if (
    key === 'from' &&
    !time &&
    numeric(schema) &&
    /(offset|start|skip|index|first|row|result|record|pag)/i.test(description)
  ) {
    return role('offset', 0.7);
  }
  if (KEYSET.has(key) && !time) return role('keyset', 0.9);
  if (key === 'since' && !time && /\bids?\b/i.test(description)) return role('keyset', 0.8);
  if (CURSOR.has(key) && !(time && /^(after|next|position)$/.test(key)))
    return classifyCursor(parameter, role, key);
  if (key === 'token' && /\b(pag(e|ing|ination)|next set|next results|cursor|continu)/i.test(description)) {
    return role('cursor', 0.75);
  }
  if (WEAK_SIZE.has(key) && mayBeNumber(schema, example) && !time && numeric(schema)) {
    const said = /(page|per|max|limit|number of|how many|return|results)/i.test(description);
    return role('size', said ? 0.6 : 0.4);
  }
  if (/(cursor|page_?token|continuation_?token)$/i.test(name)) return role('cursor', 0.7);
  return undefined;
}

/** What a name says: of `searchCriteria[currentPage]` and `pagination.limit` the inner name, where the whole is unknown. */
function roleKey(name: string): string {
  const whole = squash(name);
  const inner = /[[.]([^\][.]+)\]?$/.exec(name)?.[1];
  if (inner === undefined || KNOWN.some((names) => names.has(whole))) return whole;
  const part = squash(inner);
  return KNOWN.some((names) => names.has(part)) ? part : whole;
}

type MakeRole = (kind: PagingRole, strength: number) => PagingParameter;

function classifyPage(parameter: Flat, role: MakeRole): PagingParameter | undefined {
  const { schema, description, example } = parameter;
  const text = description.toLowerCase();
  if (!numeric(schema) && /\b(cursor|token|opaque)\b|next_?page/.test(text) && !/page number/.test(text)) {
    return role('cursor', 0.8);
  }
  if (!mayBeNumber(schema, example)) return undefined;
  // A page's name or id as a filter ("The page to list comments of").
  if (/\b(slug|url of the page|facebook page|page id\b)/.test(text)) return undefined;
  return role('page', numeric(schema) ? 1 : 0.8);
}

function classifySize(parameter: Flat, role: MakeRole, key: string): PagingParameter | undefined {
  const { schema, description, example } = parameter;
  if (!mayBeNumber(schema, example)) return undefined;
  if (key === 'size' && !numeric(schema)) return undefined;
  if (
    /^(max|top|take|rows|size|limit)$/.test(key) &&
    /\b(price|amount|temperature|distance|radius|pixel|width|height|bytes|thumbnail)\b/i.test(description)
  ) {
    return undefined;
  }
  return role('size', key === 'max' || key === 'size' || key === 'pagecount' ? 0.7 : 1);
}

function classifyOffset(parameter: Flat, role: MakeRole, key: string): PagingParameter | undefined {
  const { schema, description, example } = parameter;
  const text = description.toLowerCase();
  const opaque = /\b(cursor|token|opaque|returned (by|in|from) (the )?(previous|last|prior))\b/.test(text);
  if (!numeric(schema) && opaque) return role('cursor', 0.85);
  if (!mayBeNumber(schema, example)) return undefined;
  if (key === 'pageoffset' && /page number|number of pages/.test(text)) return role('page', 0.7);
  const sure = /^(offset|skip|startindex|startat|firstresult|sysparmoffset|odataskip)$/.test(key);
  const said = /(offset|skip|first|index|start|record|result|row|item|pag)/.test(text);
  if (!sure && !said && !numeric(schema)) return undefined;
  if (key === 'begin' && !said) return undefined;
  return role('offset', sure ? 1 : said ? 0.8 : 0.6);
}

function classifyCursor(parameter: Flat, role: MakeRole, key: string): PagingParameter | undefined {
  const { schema, description } = parameter;
  const said =
    /\b(cursor|token|pag(e|es|ing|ination)|next|continu|after|set of results|returned (by|from|in)|(previous|prior|last|earlier) (response|request|call|query|invocation))/i.test(
      description,
    );
  if (/^(next|position|anchor|iterator|marker|start_?id|contextid)$/.test(key) && !said) return undefined;
  if (key === 'nextpage' && numeric(schema)) return role('page', 0.7);
  if (key === 'after' || key === 'pageafter') {
    const byId =
      /\b(ids?|uuid|identifier|key)\b/i.test(description) && !/\b(cursor|token)\b/i.test(description);
    return role(byId ? 'keyset' : 'cursor', said || description === '' ? 0.85 : 0.6);
  }
  return role('cursor', said || /token|cursor|scroll|continuation/.test(key) ? 0.95 : 0.75);
}
