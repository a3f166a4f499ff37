/** The descriptions that are mutated: those that development dependencies ship, and those of a folder, where one is named. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import yaml from 'js-yaml';
import type { Case } from './child.ts';
import { Random } from './random.ts';

const MODULES = join(import.meta.dirname, '../../node_modules');
const SHIPPED = ['@readme/oas-examples', '@figma/rest-api-spec/openapi'];

export interface Source {
  readonly path: string;
  readonly bytes: number;
}

function below(dir: string): Source[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(dir, name);
    const isDescription = /\.(json|ya?ml)$/.test(name) && !/(^|\/)(package|answer)\.\w+$/.test(name);
    return isDescription && !name.includes('node_modules') ? [{ path, bytes: statSync(path).size }] : [];
  });
}

/** Each description once (of the JSON and the YAML of the same one, the JSON), in order of path. */
export function sources(corpus: string | undefined = process.env['SOURCEWRIGHT_CORPUS']): Source[] {
  const shipped = SHIPPED.flatMap((name) => below(join(MODULES, name))).filter(
    ({ path }) => !path.includes('oas-examples') || !path.includes('/yaml/'),
  );
  const named = corpus === undefined || corpus === '' ? [] : below(corpus);
  return [...shipped, ...named].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The description as a value; undefined for a file that holds none (some examples are broken on purpose). */
export function parsedSource(path: string): object | undefined {
  try {
    const value: unknown = yaml.load(readFileSync(path, 'utf8'), { schema: yaml.CORE_SCHEMA });
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Smaller ones are examples of one feature: most are descriptions of whole APIs. */
const WHOLE_API_BYTES = 30_000;

/** The same cases for the same seed and the same descriptions. */
export function casesOf(count: number, seed: number, from: readonly Source[]): Case[] {
  const random = new Random(seed);
  const whole = from.filter(({ bytes }) => bytes >= WHOLE_API_BYTES);
  return Array.from({ length: count }, (_, index) => ({
    index,
    path: random.pick(random.next() < 0.8 ? whole : from).path,
    seed: random.below(2 ** 32),
  }));
}
