/**
 * Asks the API itself: the first and second page of some streams confirm or correct where rows stand, their key and the
 * paging. Only when the person asks and gives credentials; few requests, slow, GET only, never off the API's host.
 */
import type { Blueprint, Fact, Paging, Stream } from '../../blueprint/schema.ts';
import type { Brief } from '../../pipeline/contracts.ts';
import { setRecordPath } from './corrections.ts';
import { noteConnection, noteRateLimit, noteSeen, type Seen } from './probe-facts.ts';
import { nextPage, pagingShownBy } from './probe-paging.ts';
import {
  fixedParameters,
  Prober,
  ProbeStop,
  targetOf,
  type Probed,
  type ProbeOptions,
} from './probe-request.ts';
import { isKey, keyOf, listsIn, rowsAt, schemaOf, shapeWords, type Row } from './probe-shape.ts';

export type { ProbeOptions } from './probe-request.ts';

export interface ProbeOutcome {
  readonly blueprint: Blueprint;
  readonly probes: Brief['probes'];
  /** Why nothing was asked, or why it ended early. */
  readonly note: string | undefined;
}

/** Rows asked for a page: few, so that a second page is likely to be there. */
const PROBE_PAGE_SIZE = 10;

/** A changed copy of the blueprint. Throws only what ends the run (`cancelled`, `internal`). */
export async function probeApi(blueprint: Blueprint, options: ProbeOptions): Promise<ProbeOutcome> {
  const changed = structuredClone(blueprint);
  const probes: Brief['probes'] = [];
  try {
    const target = targetOf(changed, options.credentials);
    options.progress(`Asking ${target.base.host}: GET only, at most 20 requests`);
    const prober = new Prober(target, options);
    for (const stream of changed.streams) {
      if (!stream.selected || stream.parent !== undefined || stream.method !== 'GET') continue;
      if (prober.left < 2)
        return {
          blueprint: changed,
          probes,
          note: 'The probe ended at its limit of 20 requests; the remaining streams were not asked.',
        };
      await new StreamProbe(changed, stream, prober, probes, options).run();
    }
    return {
      blueprint: changed,
      probes,
      note: probes.length === 0 ? 'No stream could be asked without knowing more.' : undefined,
    };
  } catch (error) {
    if (error instanceof ProbeStop) return { blueprint: changed, probes, note: error.message };
    throw error;
  }
}

class StreamProbe {
  readonly #blueprint: Blueprint;
  readonly #stream: Stream;
  readonly #prober: Prober;
  readonly #probes: Brief['probes'];
  readonly #options: ProbeOptions;

  constructor(
    blueprint: Blueprint,
    stream: Stream,
    prober: Prober,
    probes: Brief['probes'],
    options: ProbeOptions,
  ) {
    this.#blueprint = blueprint;
    this.#stream = stream;
    this.#prober = prober;
    this.#probes = probes;
    this.#options = options;
  }

  async run(): Promise<void> {
    const fixed = fixedParameters(this.#stream, this.#options.credentials);
    if (typeof fixed === 'string') return;
    const url = this.#prober.urlOf(fixed.path, { ...fixed.query, ...firstQuery(this.#stream.paging) });
    const first = await this.#prober.get(this.#stream, url, fixed.headers);
    noteRateLimit(this.#blueprint, first);
    if (first.answer.status !== 200 || first.body === undefined) {
      const what = first.answer.status === 200 ? 'the answer is no JSON' : 'no rows';
      this.#record(first, null, what);
      return;
    }
    const rows = this.#judgeRecordPath(first);
    if (rows === undefined) {
      this.#record(first, null, `no list of rows was found in ${shapeWords(first.body as Row)}`);
      return;
    }
    noteConnection(this.#blueprint, this.#prober.base, first);
    this.#record(first, rows.length, `rows of ${shapeWords(rows[0])}`);
    this.#correctPaging(first);
    const second = await this.#secondPage(first, rows, fixed.headers);
    this.#judgeKey(first, [...rows, ...(second ?? [])]);
  }

  #judgeRecordPath(first: Probed): Row[] | undefined {
    const stream = this.#stream;
    const expected = rowsAt(first.body, stream.recordPath, stream.recordShape);
    if (expected !== undefined) {
      // An empty list confirms nothing about its rows, but its place.
      this.#note('record_path', first, { status: 'confirmed', quote: `${expected.length} rows` });
      return expected;
    }
    const [list] = listsIn(first.body);
    if (list === undefined) {
      this.#note('record_path', first, { status: 'unconfirmed', quote: 'nothing at this path' });
      return undefined;
    }
    setRecordPath(this.#blueprint, stream, list.path, 'list');
    stream.schema = schemaOf(list.rows);
    const value = list.path.length === 0 ? '(root)' : list.path.join('.');
    this.#note('record_path', first, {
      status: 'corrected',
      value,
      quote: `${list.rows.length} rows at ${value}`,
    });
    return list.rows;
  }

  #judgeKey(first: Probed, rows: readonly Row[]): void {
    const stream = this.#stream;
    if (rows.length < 2) return;
    const quote = `over ${rows.length} rows`;
    if (isKey(rows, stream.primaryKey)) {
      this.#note('primary_key', first, { status: 'confirmed', quote: `present and unique ${quote}` });
      return;
    }
    const key = keyOf(rows);
    if (key !== undefined) {
      stream.primaryKey = key;
      const value = key.map((part) => part.join('.')).join(' + ');
      this.#note('primary_key', first, { status: 'corrected', value, quote: `present and unique ${quote}` });
    } else if (stream.primaryKey.length > 0) {
      this.#note('primary_key', first, { status: 'unconfirmed', quote: `missing or repeated ${quote}` });
    }
  }

  /** What the first answer shows plainly, where the description said otherwise or nothing. */
  #correctPaging(first: Probed): void {
    const shown = pagingShownBy(first, this.#stream.paging);
    if (shown === undefined) return;
    this.#stream.paging = shown.paging;
    this.#note('paging', first, { status: 'corrected', value: shown.paging.kind, quote: shown.quote });
  }

  /** The second page's rows, or undefined where there was none to ask for. */
  async #secondPage(
    first: Probed,
    rows: readonly Row[],
    headers: Readonly<Record<string, string>>,
  ): Promise<Row[] | undefined> {
    const stream = this.#stream;
    const { paging } = stream;
    const next = nextPage(paging, first, rows);
    if (next === undefined) return undefined;
    if (new URL(next).origin !== this.#prober.origin) {
      this.#note('paging', first, {
        status: 'unconfirmed',
        quote: 'the next page lies on another host, which was not asked',
      });
      return undefined;
    }
    const second = await this.#prober.get(stream, new URL(next), headers);
    const more =
      second.answer.status === 200 ? rowsAt(second.body, stream.recordPath, stream.recordShape) : undefined;
    if (more === undefined) {
      this.#record(second, null, 'no second page');
      this.#note('paging', second, {
        status: 'unconfirmed',
        quote: `the second page answered ${second.answer.status}`,
      });
      return undefined;
    }
    const known = new Set(rows.map((row) => JSON.stringify(row)));
    const repeated = more.filter((row) => known.has(JSON.stringify(row))).length;
    if (repeated === 0) {
      const seen = more.length === 0 ? 'the second page is empty' : 'the second page has other rows';
      this.#record(second, more.length, seen);
      this.#note('paging', second, { status: 'confirmed', quote: seen });
      return more;
    }
    this.#record(second, more.length, `the second page repeats ${repeated} rows of the first`);
    this.#judgeRepetition(second, paging, repeated === rows.length);
    return undefined;
  }

  #judgeRepetition(second: Probed, paging: Paging, all: boolean): void {
    const stream = this.#stream;
    if (all && paging.kind === 'page' && paging.startPage === 0) {
      stream.paging = { ...paging, startPage: 1 };
      this.#note('paging', second, {
        status: 'corrected',
        value: 'page, from 1',
        quote: 'pages 0 and 1 are the same',
      });
      return;
    }
    this.#note('paging', second, {
      status: 'unconfirmed',
      quote: 'the second page repeats rows of the first',
    });
    this.#blueprint.gaps.push({
      id: `${stream.name}.paging.probe`,
      stream: stream.name,
      fact: 'paging',
      question: 'The API repeats rows on the second page. How does this list page?',
      assumed: 'The paging of the description; a read stops when a page repeats.',
      pointer: stream.pointer,
      options: [{ label: 'it does not page', value: { kind: 'none' } }],
    });
  }

  #record(probed: Probed, rows: number | null, observation: string): void {
    const { answer, shownUrl, at } = probed;
    this.#probes.push({
      stream: this.#stream.name,
      url: shownUrl,
      status: answer.status,
      rows,
      observation,
      at,
    });
  }

  #note(name: Fact['fact'], probed: Probed, seen: Seen): void {
    noteSeen(this.#blueprint, this.#stream.name, name, probed, seen);
  }
}

function firstQuery(paging: Paging): Record<string, string> {
  if (paging.kind === 'none') return {};
  const query: Record<string, string> = {};
  if (paging.sizeParam !== undefined) {
    query[paging.sizeParam] = String(Math.min(paging.pageSize ?? PROBE_PAGE_SIZE, PROBE_PAGE_SIZE));
  }
  if (paging.kind === 'page') query[paging.pageParam] = String(paging.startPage);
  if (paging.kind === 'offset') query[paging.offsetParam] = String(paging.startOffset);
  return query;
}
