/**
 * A description with something wrong in it: changed in its structure (parts dropped, doubled, moved, replaced by what a
 * stranger could write) or in its bytes. The same seed changes the same description in the same way.
 */
import yaml from 'js-yaml';
import { HOSTILE_KEYS, HOSTILE_NUMBERS, HOSTILE_REFS, HOSTILE_TEXTS } from './hostile-values.ts';
import { Random } from './random.ts';

type Container = Record<string, unknown>;
interface Place {
  readonly parent: Container;
  readonly key: string;
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Sets also what is named `__proto__` as a plain property, as a parser of JSON does. */
function put({ parent, key }: Place, value: unknown): void {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
}

/** A place in the document: each level is left with some chance, so that the upper ones are met as well. */
function somewhere(root: Container, random: Random): Place {
  let parent = root;
  for (;;) {
    const keys = Object.keys(parent);
    if (keys.length === 0) return { parent, key: random.pick(HOSTILE_KEYS) };
    const key = random.pick(keys);
    const child = parent[key];
    if (!isContainer(child) || Object.keys(child).length === 0 || random.next() < 0.12)
      return { parent, key };
    parent = child;
  }
}

/** A place whose value is of a kind, looked for in a few tries. */
function somewhereWith(root: Container, random: Random, fits: (value: unknown) => boolean): Place {
  let place = somewhere(root, random);
  for (let tries = 0; tries < 40 && !fits(place.parent[place.key]); tries += 1)
    place = somewhere(root, random);
  return place;
}

function nested(depth: number, key: string): unknown {
  let value: unknown = { type: 'string' };
  for (let level = 0; level < depth; level += 1) value = key === '' ? [value] : { [key]: value };
  return value;
}

function junk(random: Random): unknown {
  const kind = random.below(7);
  if (kind === 0) return random.pick(HOSTILE_TEXTS);
  if (kind === 1) return random.pick(HOSTILE_NUMBERS);
  if (kind === 2) return { $ref: random.pick(HOSTILE_REFS) };
  if (kind === 3) return null;
  if (kind === 4) return random.next() < 0.5;
  return kind === 5 ? [] : {};
}

const isText = (value: unknown): boolean => typeof value === 'string';

type Change = (root: Container, random: Random) => void;

/** How a description may be changed, by a name for the report. */
const CHANGES: readonly (readonly [string, Change])[] = [
  [
    'drop',
    (root, random) => {
      const { parent, key } = somewhere(root, random);
      Reflect.deleteProperty(parent, key);
    },
  ],
  [
    'replace',
    (root, random) => {
      put(somewhere(root, random), junk(random));
    },
  ],
  [
    'hostile text',
    (root, random) => {
      put(somewhereWith(root, random, isText), random.pick(HOSTILE_TEXTS));
    },
  ],
  [
    'hostile end',
    (root, random) => {
      const place = somewhereWith(root, random, isText);
      put(place, `${String(place.parent[place.key])}${random.pick(HOSTILE_TEXTS)}`);
    },
  ],
  [
    'hostile key',
    (root, random) => {
      const { parent, key } = somewhere(root, random);
      const value = parent[key];
      if (random.next() < 0.5) Reflect.deleteProperty(parent, key);
      put({ parent, key: random.pick(HOSTILE_KEYS) }, value ?? junk(random));
    },
  ],
  [
    'hostile path',
    (root, random) => {
      const { paths } = root;
      if (!isContainer(paths)) return;
      const keys = Object.keys(paths);
      if (keys.length === 0) return;
      const key = random.pick(keys);
      put({ parent: paths, key: `${key}/${random.pick(HOSTILE_TEXTS)}` }, paths[key]);
    },
  ],
  [
    'move',
    (root, random) => {
      const from = somewhere(root, random);
      put(somewhere(root, random), structuredClone(from.parent[from.key]));
    },
  ],
  [
    'reference',
    (root, random) => {
      const target = random.next() < 0.5 ? random.pick(HOSTILE_REFS) : pointerOf(root, random);
      put(somewhere(root, random), { $ref: target });
    },
  ],
  [
    'number',
    (root, random) => {
      put(
        somewhereWith(root, random, (value) => typeof value === 'number'),
        random.pick(HOSTILE_NUMBERS),
      );
    },
  ],
  [
    'wrong kind',
    (root, random) => {
      const place = somewhere(root, random);
      const value = place.parent[place.key];
      put(
        place,
        Array.isArray(value)
          ? Object.fromEntries(Object.entries(value))
          : isContainer(value)
            ? Object.values(value)
            : [value],
      );
    },
  ],
  [
    'deep',
    (root, random) => {
      put(
        somewhere(root, random),
        nested(random.pick([20, 100, 1500]), random.pick(['items', 'allOf', '', 'properties'])),
      );
    },
  ],
  [
    'wide',
    (root, random) => {
      const many = Array.from(
        { length: 3000 },
        (_, n) => [`p${n}`, { type: 'string', description: 'x' }] as const,
      );
      put(
        somewhere(root, random),
        random.next() < 0.5 ? Object.fromEntries(many) : many.map(([, one]) => one),
      );
    },
  ],
  [
    'long text',
    (root, random) => {
      const unit = random.pick(['x', '<', '[', '(', '*', '`', ' ', '/', '{', 'a ', '\n', '"', '&', '-']);
      put(somewhereWith(root, random, isText), unit.repeat(Math.ceil(1_000_000 / unit.length)));
    },
  ],
];

/** The JSON pointer of a place, as a `$ref`. */
function pointerOf(root: Container, random: Random): string {
  let node = root;
  let pointer = '#';
  for (;;) {
    const keys = Object.keys(node);
    if (keys.length === 0) return pointer;
    const key = random.pick(keys);
    pointer += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const child = node[key];
    if (!isContainer(child) || random.next() < 0.3) return pointer;
    node = child;
  }
}

/** Changes bytes as a broken download, a wrong editor or an attacker would. */
function brokenText(text: string, random: Random): Uint8Array {
  const bytes = Buffer.from(text);
  switch (random.below(4)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length));
    case 1:
      for (let flips = random.below(20) + 1; flips > 0; flips -= 1)
        bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    case 2: {
      const at = random.below(bytes.length);
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(random.pick(HOSTILE_TEXTS)),
        bytes.subarray(at),
      ]);
    }
    default: {
      const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    }
  }
}

export interface Mutated {
  readonly bytes: Uint8Array;
  /** What was done, in order. */
  readonly changes: readonly string[];
}

/** YAML is slow to write: only smaller descriptions are. */
const LARGEST_YAML = 200_000;

/** @param parsed the description as it is; it is not changed */
export function mutated(parsed: object, seed: number): Mutated {
  const random = new Random(seed);
  const root = structuredClone(parsed) as Container;
  const changes: string[] = [];
  for (let left = random.below(6) + 1; left > 0; left -= 1) {
    const [name, change] = random.pick(CHANGES);
    change(root, random);
    changes.push(name);
  }
  const json = JSON.stringify(root);
  const asYaml = json.length < LARGEST_YAML && random.next() < 0.25 && !changes.includes('deep');
  const text = asYaml ? yaml.dump(root, { noRefs: true, skipInvalid: true }) : json;
  if (random.next() < 0.1) return { bytes: brokenText(text, random), changes: [...changes, 'broken bytes'] };
  return { bytes: Buffer.from(text), changes };
}
