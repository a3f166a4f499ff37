/** From the text of a hand-written blueprint to its validated form, with errors that name the place. */
import { z } from 'zod';
import { SourcewrightError } from '../../../errors.ts';
import { isObject } from '../../../openapi/identify.ts';
import { pathParameters } from '../agent/endpoint.ts';
import { HandWrittenBlueprint, type HandWrittenStream } from './contracts.ts';

const CURE = 'Mend it there. docs/blueprints.md lists what a hand-written blueprint may hold.';

/** Values below these are free: JSON schemas, example rows, constants. */
const FREE = new Set(['schema', 'example', 'value', 'default']);

/** Whether a parsed document is a blueprint written by hand (and meant as one, even if it is not valid). */
export function isHandWritten(value: unknown): value is Record<string, unknown> {
  return isObject(value) && 'blueprint' in value && !('openapi' in value) && !('swagger' in value);
}

/** @throws SourcewrightError `input` with the place of the first mistake: a wrong value, an unknown property, a loose end */
export function parseHandWritten(value: unknown, where: string): HandWrittenBlueprint {
  const parsed = HandWrittenBlueprint.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(issue?.message ?? z.prettifyError(parsed.error), where, `/${issue?.path.join('/') ?? ''}`);
  }
  const unknown = unknownProperty(value, parsed.data, '');
  // Most often a misspelt one, which would be ignored in silence.
  if (unknown !== undefined) throw refused('nothing has a property of this name.', where, unknown);
  const loose = looseEnd(parsed.data);
  if (loose !== undefined) throw refused(loose.message, where, loose.place);
  return parsed.data;
}

function refused(message: string, where: string, place: string): SourcewrightError {
  return new SourcewrightError('input', `The blueprint can't be used: ${message}`, {
    where,
    place,
    cure: CURE,
  });
}

/** Pointer of the first property of `given` that did not survive validation. */
function unknownProperty(given: unknown, kept: unknown, pointer: string): string | undefined {
  if (Array.isArray(given)) {
    const list: unknown[] = Array.isArray(kept) ? kept : [];
    return firstOf(given.map((one, index) => unknownProperty(one, list[index], `${pointer}/${index}`)));
  }
  if (!isObject(given)) return undefined;
  if (!isObject(kept)) return pointer;
  return firstOf(
    Object.entries(given).map(([key, one]) => {
      const at = `${pointer}/${key}`;
      if (!(key in kept)) return at;
      return FREE.has(key) ? undefined : unknownProperty(one, kept[key], at);
    }),
  );
}

function firstOf(found: readonly (string | undefined)[]): string | undefined {
  return found.find((one) => one !== undefined);
}

interface LooseEnd {
  readonly message: string;
  readonly place: string;
}

/** What is valid by itself but does not fit the rest. */
function looseEnd({ streams }: HandWrittenBlueprint): LooseEnd | undefined {
  const byName = new Map(streams.map((stream) => [stream.name, stream]));
  for (const [index, stream] of streams.entries()) {
    const place = `/streams/${index}`;
    if (streams.findIndex(({ name }) => name === stream.name) < index) {
      return { message: `there is more than one stream ${stream.name}.`, place: `${place}/name` };
    }
    const { parent } = stream;
    if (parent === undefined) continue;
    if (!byName.has(parent.stream)) {
      return {
        message: `there is no stream ${parent.stream} to be a parent.`,
        place: `${place}/parent/stream`,
      };
    }
    if (isBelowItself(stream.name, byName)) {
      return { message: `${stream.name} is its own ancestor.`, place: `${place}/parent/stream` };
    }
    const wrong = recursionProblem(stream);
    if (wrong !== undefined) return { message: wrong, place: `${place}/parent/recursive` };
    const inPath = new Set(pathParameters(stream.path));
    const fills = parent.parameters.some(({ name }) => inPath.has(name));
    if (!fills && inPath.size > 0 && stream.parameters.length === 0) {
      return {
        message: `the parent fills none of ${[...inPath].join(', ')} in the path.`,
        place: `${place}/parent/parameters`,
      };
    }
  }
  return undefined;
}

function recursionProblem({ parent, incremental }: HandWrittenStream): string | undefined {
  if (parent?.recursive === undefined) return undefined;
  if (parent.parameters.filter(({ from }) => from.kind === 'record').length !== 1) {
    return 'exactly one parameter has to come from a row, so that rows of the stream can fill it as well.';
  }
  // What changed may stand below what did not, and no filter tells which lists to ask for.
  return incremental === undefined ? undefined : 'a stream that is read below its own rows is read in full.';
}

function isBelowItself(name: string, byName: ReadonlyMap<string, HandWrittenStream>): boolean {
  const seen = new Set([name]);
  for (let above = byName.get(name)?.parent?.stream; above !== undefined;) {
    if (seen.has(above)) return true;
    seen.add(above);
    above = byName.get(above)?.parent?.stream;
  }
  return false;
}
