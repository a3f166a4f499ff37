/** From the measurements of a lane to what is said about them. */
import type { Lane } from './lanes.ts';
import type { Measured } from './measure.ts';
import type { Reader } from './readers.ts';
import type { ServerCounts } from './server.ts';

/** One reader in one round. */
export interface Round extends Measured {
  readonly counts: ServerCounts;
  /** What the same reader takes for one page alone, which is its start; absent where it read all there is. */
  readonly start: Measured | undefined;
  /** Load average when it began. */
  readonly load: number;
}

/** What was measured of a reader in a lane, and how many rows it read each time. */
export interface Result {
  readonly reader: Reader;
  readonly rows: number;
  readonly rounds: readonly Round[];
}

interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { median, least: at(0), most: at(sorted.length - 1) };
}

/** Wall time, or that of processors: the one is what a person waits, the other hardly heeds what else runs. */
type Kind = 'seconds' | 'cpuSeconds';

/**
 * What reading so many rows takes. Where a reader read a share of them, its start, which it would have but once, is not
 * counted into what each further row takes.
 */
function cost({ rows }: Result, round: Round, kind: Kind, target: number, page: number): number {
  if (round.start === undefined || rows <= page) return round[kind] * (target / rows);
  const start = round.start[kind];
  return start + ((round[kind] - start) / (rows - page)) * (target - page);
}

/** A lane's results with what they are compared by. */
export class Comparison {
  readonly #lane: Lane;
  readonly #results: readonly Result[];
  readonly #target: number;

  constructor(lane: Lane, results: readonly Result[]) {
    this.#lane = lane;
    this.#results = results;
    this.#target = lane.targetRows;
  }

  #costs(result: Result, kind: Kind): number[] {
    const { pageRows } = this.#lane.server;
    return result.rounds.map((round) => cost(result, round, kind, this.#target, pageRows));
  }

  #rates(result: Result): number[] {
    return this.#costs(result, 'seconds').map((seconds) => this.#target / seconds);
  }

  /** How often one is faster than another, round by round: what else runs then slows both. */
  #times(result: Result, other: Result | undefined, kind: Kind): number {
    if (other === undefined) return NaN;
    const others = this.#costs(other, kind);
    return spread(this.#costs(result, kind).map((own, index) => (others[index] ?? NaN) / own)).median;
  }

  #find(role: Reader['role']): Result[] {
    return this.#results.filter(({ reader }) => reader.role === role);
  }

  #bestPeer(kind: Kind): Result | undefined {
    const median = (result: Result): number => spread(this.#costs(result, kind)).median;
    return this.#find('peer').sort((a, b) => median(a) - median(b))[0];
  }

  /** The table of a lane, in Markdown. */
  markdown(): string {
    const [floor] = this.#find('floor');
    const header = [
      'reader',
      'records/s',
      'min–max',
      'of the floor',
      'to the best peer',
      'seconds',
      'CPU µs/record',
      'of the floor',
      'to the best peer',
      'peak MB',
      'rows read',
      'requests',
      '429s',
      'at once',
      'load',
    ];
    const lines = this.#results.map((result) => {
      const { reader, rows, rounds } = result;
      const rates = spread(this.#rates(result));
      const median = (pick: (round: Round) => number): number => spread(rounds.map(pick)).median;
      return [
        reader.name,
        thousands(rates.median),
        `${thousands(rates.least)}–${thousands(rates.most)}`,
        times(this.#times(result, floor, 'seconds')),
        times(this.#times(result, this.#bestPeer('seconds'), 'seconds')),
        median((round) => round.seconds).toFixed(1),
        ((spread(this.#costs(result, 'cpuSeconds')).median / this.#target) * 1e6).toFixed(1),
        times(this.#times(result, floor, 'cpuSeconds')),
        times(this.#times(result, this.#bestPeer('cpuSeconds'), 'cpuSeconds')),
        Math.max(...rounds.map((round) => round.peakMb)).toFixed(0),
        rows.toLocaleString('en'),
        median((round) => round.counts.requests).toFixed(0),
        median((round) => round.counts.refused).toFixed(0),
        Math.max(...rounds.map((round) => round.counts.atOnce)).toFixed(0),
        median((round) => round.load).toFixed(1),
      ];
    });
    const { waits } = this.#lane;
    const note = waits === null ? [] : [waits, ''];
    const ruler = header.map((_, index) => (index === 0 ? ':--' : '--:'));
    const table = [header, ruler, ...lines].map((cells) => `| ${cells.join(' | ')} |`);
    return [`## ${this.#lane.title}`, '', ...note, ...table, ''].join('\n');
  }

  /** What the project aims at, and how near ours is: for the lanes that processors bound. */
  aims(): string[] {
    const [ours] = this.#find('ours');
    const [floor] = this.#find('floor');
    if (ours === undefined || this.#lane.waits !== null) return [];
    const peer = this.#times(ours, this.#bestPeer('seconds'), 'seconds');
    const share = this.#times(ours, floor, 'seconds');
    const peak = Math.max(...ours.rounds.map((round) => round.peakMb));
    const verdict = (met: boolean, words: string): string => `- ${met ? 'met' : 'missed'}: ${words}`;
    return [
      ...(Number.isNaN(peer)
        ? []
        : [verdict(peer >= 5, `at least 5 times the best peer: ${peer.toFixed(1)} times`)]),
      ...(Number.isNaN(share)
        ? []
        : [verdict(share > 0.5, `above half of the floor: ${share.toFixed(2)} of it`)]),
      verdict(peak < 60, `under 60 MB: ${peak.toFixed(0)} MB`),
    ];
  }
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function times(value: number): string {
  return Number.isNaN(value) ? '' : value.toFixed(2);
}
