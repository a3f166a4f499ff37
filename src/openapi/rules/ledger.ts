/** What the rules found, each with its evidence, and what they could not tell. */
import type { Evidence, Fact, FactName, Gap } from '../../blueprint/schema.ts';
import { type Description, splitPointer } from '../description.ts';
import { shorten } from './words.ts';

export interface FactEntry {
  readonly subject: string | null;
  readonly fact: FactName;
  readonly value: string;
  readonly confidence: number;
  readonly rule: string;
  readonly pointers?: readonly (string | undefined)[];
  readonly quote?: string;
}

export interface GapEntry {
  readonly stream: string | null;
  readonly fact: FactName;
  readonly question: string;
  readonly assumed: string;
  readonly pointer?: string | undefined;
  readonly options?: readonly { readonly label: string; readonly value: unknown }[];
}

/** Below this a value is a guess, and a guess is always also a question. */
export const SURE = 0.75;

export class Ledger {
  readonly facts: Fact[] = [];
  readonly gaps: Gap[] = [];
  readonly #description: Description;
  readonly #ids = new Set<string>();

  constructor(description: Description) {
    this.#description = description;
  }

  /** A lifted pointer as it reads in the person's file; the document is set where it is another one. */
  locate(pointer: string): { document?: string; pointer: string } {
    const { document, pointer: inside } = splitPointer(pointer);
    if (document !== undefined) return { document, pointer: inside };
    return { pointer: this.#description.originalPointer(inside) };
  }

  fact(entry: FactEntry): void {
    const evidence: Evidence[] = [];
    for (const pointer of new Set(entry.pointers ?? [])) {
      if (pointer === undefined) continue;
      const quote =
        evidence.length === 0 && entry.quote !== undefined && entry.quote !== ''
          ? { quote: shorten(entry.quote, 160) }
          : {};
      evidence.push({ source: 'description', ...this.locate(pointer), ...quote });
    }
    this.facts.push({
      subject: entry.subject,
      fact: entry.fact,
      value: shorten(entry.value, 240),
      confidence: Math.round(Math.min(1, Math.max(0, entry.confidence)) * 100) / 100,
      rule: entry.rule,
      evidence: evidence.length > 0 ? evidence : [{ source: 'default' }],
      status: 'found',
    });
  }

  gap(entry: GapEntry): void {
    const base = `${entry.fact}:${entry.stream ?? 'api'}`;
    let id = base;
    for (let number = 2; this.#ids.has(id); number += 1) id = `${base}:${String(number)}`;
    this.#ids.add(id);
    this.gaps.push({
      id,
      stream: entry.stream,
      fact: entry.fact,
      question: entry.question,
      assumed: entry.assumed,
      ...(entry.pointer === undefined ? {} : { pointer: this.locate(entry.pointer).pointer }),
      options: (entry.options ?? []).map((option) => ({ label: option.label, value: option.value })),
    });
  }
}
