/** The feed of an agent at work, as lines to print: each once, although every view shows the newest ones again. */
import type { StageView } from '../pipeline/contracts.ts';
import { harmless } from './terminal.ts';

type Line = StageView['activity'][number];

export class ActivityFeed {
  /** What the last view of each stage showed. */
  readonly #shown = new Map<string, readonly Line[]>();

  /** The lines that are new since the last view of this stage. */
  take(stage: StageView): string[] {
    const before = this.#shown.get(stage.stage) ?? [];
    this.#shown.set(stage.stage, stage.activity);
    return stage.activity
      .slice(repeated(before, stage.activity))
      .map(({ line }) => `  ${stage.stage} › ${harmless(line)}`);
  }
}

/** How many lines at the beginning are those that the view before ended with. */
function repeated(before: readonly Line[], now: readonly Line[]): number {
  for (let length = Math.min(before.length, now.length); length > 0; length -= 1) {
    const tail = before.slice(-length);
    const same = tail.every((line, index) => line.at === now[index]?.at && line.line === now[index].line);
    if (same) return length;
  }
  return 0;
}
