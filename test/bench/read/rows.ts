/**
 * The rows that every reader of this bench is given, and what proves that it read them all: their number, and the sum of
 * their hashes, in which their order does not count.
 */
import { createHash } from 'node:crypto';

const DIGITS = 9;
const STATUSES = ['active', 'archived', 'pending', 'suspended'] as const;
const SEED = 2_654_435_761;
const MODULUS = 2n ** 64n;
const FIRST_UPDATE = Date.UTC(2026, 0, 1);

/** What a reader must have read. */
export interface Proof {
  readonly count: number;
  /** Sum of the first 8 bytes of each row's SHA-256, modulo 2^64, in hexadecimal. */
  readonly digest: string;
}

/** Adds rows up to their proof. */
export class Prover {
  #count = 0;
  #sum = 0n;

  add(row: string): void {
    this.#count += 1;
    this.#sum = (this.#sum + createHash('sha256').update(row).digest().readBigUInt64BE()) % MODULUS;
  }

  /** Adds what another prover has seen, so that the proof of a part need not be hashed again. */
  merge(other: Proof): void {
    this.#count += other.count;
    this.#sum = (this.#sum + BigInt(`0x${other.digest}`)) % MODULUS;
  }

  proof(): Proof {
    return { count: this.#count, digest: this.#sum.toString(16).padStart(16, '0') };
  }
}

/** Compact JSON with sorted keys: the one form of a row that is hashed, whoever wrote it and in which order. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

/** When a row was last changed: each one second after the one before. */
export function updatedAt(index: number): string {
  return `${new Date(FIRST_UPDATE + index * 1000).toISOString().slice(0, 19)}Z`;
}

/** The first row that was changed at a moment or after it. */
export function indexSince(moment: string): number {
  return Math.max(0, Math.ceil((Date.parse(moment) - FIRST_UPDATE) / 1000));
}

/**
 * One row as compact JSON with sorted keys, the form that is hashed. About 333 bytes: text, numbers, a date, a list and an
 * object, as rows of real APIs have them.
 */
export function row(index: number): string {
  const random = (Math.imul(index + 1, SEED) >>> 0) / 2 ** 32;
  const id = String(index).padStart(DIGITS, '0');
  const word = Math.floor(random * 36 ** 6)
    .toString(36)
    .padStart(6, '0');
  // No zero at the end: a number must have one form only, whichever language writes it.
  const amount = `${Math.floor(random * 90_000) + 1}.${(index % 9) + 1}`;
  return (
    `{"address":{"city":"City ${word}","country":"NL","street":"${Math.floor(random * 900)} Long Street"},` +
    `"amount":${amount},"description":"Row ${id} tells at length what it is for: ${word}",` +
    `"email":"${word}.${id}@example.com","id":${index + 1},"is_active":${index % 3 === 0},` +
    `"name":"Person ${word}","status":"${STATUSES[index % STATUSES.length] ?? 'active'}",` +
    `"tags":["tag-${index % 7}","tag-${index % 11}"],"updated_at":"${updatedAt(index)}"}`
  );
}

/** JSON schema of a row's fields. */
export const ROW_PROPERTIES = {
  address: {
    type: 'object',
    properties: { city: { type: 'string' }, country: { type: 'string' }, street: { type: 'string' } },
  },
  amount: { type: 'number' },
  description: { type: 'string' },
  email: { type: 'string' },
  id: { type: 'integer' },
  is_active: { type: 'boolean' },
  name: { type: 'string' },
  status: { type: 'string' },
  tags: { type: 'array', items: { type: 'string' } },
  updated_at: { type: 'string', format: 'date-time' },
} as const;
