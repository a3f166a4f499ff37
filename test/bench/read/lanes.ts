/** What is measured: the API as each lane has it, and how much of it each reader reads. */
import { updatedAt } from './rows.ts';
import type { ServerOptions } from './server.ts';

export const LANES = ['bulk', 'incremental', 'latency', 'streams', 'limited'] as const;
export type LaneName = (typeof LANES)[number];

const PAGE_ROWS = 1000;
const LATENCY_MS = 50;
const LISTS = 8;
const PAGES_OF_LIST = 25;
const RATE_PER_SECOND = 20;
/** Small pages, so that even the slowest reader would ask more often than it may. */
const LIMITED_PAGE_ROWS = 100;

export interface Lane {
  readonly name: LaneName;
  readonly title: string;
  readonly server: ServerOptions;
  /** The streams whose rows are counted. */
  readonly streams: readonly string[];
  /** Read with a cursor field, and its state kept. */
  readonly incremental: boolean;
  /** The state that a read goes on from; null = none. */
  readonly since: string | null;
  /** Rows that all is reckoned for. */
  readonly targetRows: number;
  /** Rows that a peer reads, which may be fewer than ours and the floor do. */
  readonly peerRows: number;
  /** What the time is to be compared with, where it is waiting that takes it. */
  readonly waits: string | null;
}

/** How much is read in the lanes where processors are what counts. */
export interface Amounts {
  /** What the table is reckoned for. */
  readonly records: number;
  readonly ownRecords: number;
  readonly peerRecords: number;
}

/** Whole pages only: a share of the API ends with a page. */
function wholePages(rows: number): number {
  return Math.max(PAGE_ROWS, Math.floor(rows / PAGE_ROWS) * PAGE_ROWS);
}

function flat(name: LaneName, title: string, { records, ownRecords, peerRecords }: Amounts): Lane {
  const targetRows = wholePages(records);
  const rows = Math.min(wholePages(ownRecords), targetRows);
  return {
    name,
    title,
    server: { layout: 'flat', rows, parts: 1, pageRows: PAGE_ROWS, delayMs: 0, ratePerSecond: null },
    streams: ['events'],
    incremental: false,
    since: null,
    targetRows,
    peerRows: Math.min(wholePages(peerRecords), rows),
    waits: null,
  };
}

/** Lists of equal length, which a reader may read side by side. */
function lists(name: LaneName, title: string, server: Partial<ServerOptions>): Lane {
  const { layout = 'accounts', pageRows = PAGE_ROWS, delayMs = 0, ratePerSecond = null } = server;
  const rows = LISTS * PAGES_OF_LIST * pageRows;
  const names = Array.from({ length: LISTS }, (_, index) => `events_${index + 1}`);
  return {
    name,
    title,
    server: { layout, rows, parts: LISTS, pageRows, delayMs, ratePerSecond },
    streams: layout === 'streams' ? names : ['events'],
    incremental: false,
    since: null,
    targetRows: rows,
    peerRows: rows,
    waits: null,
  };
}

const requests = LISTS * PAGES_OF_LIST;

function oneByOne(count: number): string {
  return `Page after page, waiting alone takes ${(count * LATENCY_MS) / 1000} s.`;
}

/** The lanes of a name; the incremental one has two, a first read and one that goes on from half-way. */
export function lanesOf(name: LaneName, amounts: Amounts): Lane[] {
  const thousand = (rows: number): string => rows.toLocaleString('en');
  const total = thousand(amounts.records);
  switch (name) {
    case 'bulk':
      return [flat(name, `Bulk: ${total} records, full refresh`, amounts)];
    case 'incremental': {
      const first = flat(name, `Incremental, first read: ${total} records, no state yet`, amounts);
      const half = Math.floor(first.peerRows / 2);
      const second = { ...first, incremental: true, since: updatedAt(half) };
      const title = `Incremental, second read: from record ${thousand(half)} on`;
      return [
        { ...first, incremental: true },
        { ...second, title },
      ];
    }
    case 'latency': {
      const title = `Latency: ${LISTS} parents of ${PAGES_OF_LIST} pages, ${LATENCY_MS} ms a page`;
      return [{ ...lists(name, title, { delayMs: LATENCY_MS }), waits: oneByOne(requests + 1) }];
    }
    case 'streams': {
      const title = `Streams: ${LISTS} streams of ${PAGES_OF_LIST} pages, ${LATENCY_MS} ms a page`;
      const lane = lists(name, title, { layout: 'streams', delayMs: LATENCY_MS });
      return [{ ...lane, waits: oneByOne(requests) }];
    }
    case 'limited': {
      const title = `Limited: ${requests + 1} requests, ${RATE_PER_SECOND} a second allowed`;
      const server = { pageRows: LIMITED_PAGE_ROWS, ratePerSecond: RATE_PER_SECOND };
      const waits = `The limit alone takes ${requests / RATE_PER_SECOND} s; a 429 is a request in vain.`;
      return [{ ...lists(name, title, server), waits }];
    }
  }
}
