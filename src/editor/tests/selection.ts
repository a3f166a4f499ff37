/** What a person picked in a tree, said to pytest in as few words as possible. */
import { isBelow } from './test-ids.ts';

/** A node of any tree; the id of the root stands for all tests. */
export interface Selectable {
  readonly id: string;
  readonly children: readonly Selectable[];
}

/**
 * The ids that stand for the included nodes without the excluded ones: a node without any exclusion below it is named
 * itself, so that pytest also takes tests of it that are not in the tree. None where everything is excluded.
 */
export function idsToRun(
  included: readonly Selectable[],
  excluded: ReadonlySet<string> = new Set(),
): readonly string[] {
  const ids = new Set<string>();
  for (const node of included) for (const id of within(node, excluded)) ids.add(id);
  return [...ids].filter((id) => !isCovered(id, ids));
}

function within(node: Selectable, excluded: ReadonlySet<string>): string[] {
  if (excluded.has(node.id)) return [];
  const whole = !node.children.some((child) => touches(child, excluded));
  return whole ? [node.id] : node.children.flatMap((child) => within(child, excluded));
}

function touches(node: Selectable, excluded: ReadonlySet<string>): boolean {
  return excluded.has(node.id) || node.children.some((child) => touches(child, excluded));
}

/** Whether another of these ids stands for this one, too. */
function isCovered(id: string, ids: ReadonlySet<string>): boolean {
  return [...ids].some((other) => other !== id && isBelow(id, other));
}
