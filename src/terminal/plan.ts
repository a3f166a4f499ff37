/** What would be published, as the terminal shows it at the gate. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunView } from '../pipeline/contracts.ts';
import { PLAN_FILE, planLines, PublicationPlan } from '../stages/publish/plan.ts';
import { harmless } from './terminal.ts';

const SHOWN_FILES = 25;

/** The plan of a run that waits to be published; undefined elsewhere, and where there is none that can be read. */
export async function planOf(view: RunView): Promise<PublicationPlan | undefined> {
  if (view.gate !== 'publish' && view.gate !== 'draft') return undefined;
  const text = await readFile(join(view.runDir, PLAN_FILE), 'utf8').catch(() => '');
  try {
    return PublicationPlan.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** In few lines. */
export function shortPlan(plan: PublicationPlan | undefined): string[] {
  return plan === undefined ? [] : planLines(plan).map(harmless);
}

/** With its files, the largest first. */
export function longPlan(plan: PublicationPlan | undefined): string[] {
  if (plan === undefined) return [];
  const files = [...plan.files].sort((a, b) => b.bytes - a.bytes);
  const shown = files
    .slice(0, SHOWN_FILES)
    .map(
      ({ path, bytes, sha256 }) => `  ${sha256.slice(0, 12)} ${String(bytes).padStart(8)}  ${harmless(path)}`,
    );
  const rest = files.length > SHOWN_FILES ? [`  … and ${files.length - SHOWN_FILES} smaller ones`] : [];
  return [...shortPlan(plan), ...shown, ...rest];
}
