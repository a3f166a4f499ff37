/** Where a run is killed, by the steps that an undisturbed one has done. */
import type { Kill } from './sitting.ts';
import type { Ran } from './world.ts';

/** Lines of the journal and of transcripts, in their order. */
export function linesOf({ sittings }: Ran): string[] {
  const steps = sittings.flatMap(({ steps }) => steps);
  return [...new Set(steps.filter((step) => /^[\w-]+\.jsonl /.test(step)))];
}

/** A kill at each of these lines, in the same way. */
export function at(when: Kill['when'], lines: readonly string[]): Kill[] {
  return lines.map((what) => ({ when, what }));
}

/** Between what a step does to the world and the line that says so, and in the middle of what it does. */
export const EFFECTS: readonly Kill[] = [
  { when: 'before', what: 'rename brief.json' },
  { when: 'after', what: 'rename brief.json' },
  { when: 'after', what: 'rename snapshot generate-1-before.json' },
  { when: 'after', what: 'rename client.py' },
  { when: 'before', what: 'rename generation.json' },
  { when: 'after', what: 'rename snapshot generate-1-after.json' },
  { when: 'after', what: 'start python pytest' },
  { when: 'after', what: 'rename test-report.json' },
  { when: 'before', what: 'rename review.json' },
  { when: 'after', what: 'exit python build_packages.py' },
  { when: 'after', what: 'exit git commit-tree' },
  { when: 'after', what: 'exit git update-ref' },
  { when: 'after', what: 'rename publication.json' },
  { when: 'after', what: 'rename snapshot publish-1-after.json' },
];

/** What a resumed run writes on top: it may be killed there as well. */
export const RESUMING: readonly Kill[] = [
  { when: 'torn', what: 'journal.jsonl paused' },
  { when: 'after', what: 'journal.jsonl paused' },
  { when: 'before', what: 'journal.jsonl resumed' },
  { when: 'after', what: 'journal.jsonl resumed' },
];
