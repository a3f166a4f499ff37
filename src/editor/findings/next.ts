/** Which finding comes next: pure, for the commands and after an answer. */

/** Files compare by their paths, lines are 1-based. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface Step {
  /** Where the findings are, in order. */
  readonly places: readonly Place[];
  /** Whether to stop at this one. */
  readonly isWanted: (index: number) => boolean;
  /** The finding that the person is at; undefined where they are elsewhere. */
  readonly current: number | undefined;
  /** Where the person is; undefined outside of the connector. */
  readonly cursor: Place | undefined;
  readonly step: 1 | -1;
}

/** Index of the next wanted finding, round the end; undefined where none is wanted. */
export function nextFinding({ places, isWanted, current, cursor, step }: Step): number | undefined {
  const count = places.length;
  const from = current ?? before(places, cursor, step);
  for (let taken = 1; taken <= count; taken += 1) {
    const index = (((from + step * taken) % count) + count) % count;
    if (isWanted(index)) return index;
  }
  return undefined;
}

/** The index to step from. */
function before(places: readonly Place[], cursor: Place | undefined, step: 1 | -1): number {
  const above =
    cursor === undefined ? 0 : places.filter((place) => compare(place, cursor) < (step === 1 ? 0 : 1)).length;
  return step === 1 ? above - 1 : above;
}

function compare(a: Place, b: Place): number {
  return a.file.localeCompare(b.file) || a.line - b.line;
}
