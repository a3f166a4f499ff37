/** Which streams a connector gets where the person does not say: the sensible ones, within limits. */
import type { Stream } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { seemsToChange, segmentParameters } from './endpoints.ts';
import type { StreamDraft } from './streams.ts';
import { stem, words } from './words.ts';

/** Streams of a connector by default; the rest is listed, to be picked by name. */
export const DEFAULT_MAX_STREAMS = 50;

export interface SelectionInput {
  readonly draft: StreamDraft;
  readonly stream: Stream;
  /** Served from another place than the base URL. */
  readonly elsewhere: boolean;
}

/** Sets `selected` and `omittedBecause` on every stream. Throws `input` for names that no stream has. */
export function selectStreams(
  inputs: readonly SelectionInput[],
  options: { streams?: readonly string[] | undefined; maxStreams?: number | undefined },
): void {
  const byName = new Map(inputs.map((input) => [input.stream.name, input]));
  if (options.streams !== undefined && options.streams.length > 0) {
    pickNamed(byName, options.streams);
    return;
  }
  pickSensible(inputs, byName, Math.max(1, options.maxStreams ?? DEFAULT_MAX_STREAMS));
}

// ------------------------------------------------------------------------------------------------------------ by name

function pickNamed(byName: ReadonlyMap<string, SelectionInput>, names: readonly string[]): void {
  const unknown = names.filter((name) => !byName.has(name));
  if (unknown.length > 0) throw unknownStreams(unknown, [...byName.keys()]);
  for (const { stream } of byName.values()) {
    stream.selected = false;
    stream.omittedBecause = 'Not picked.';
  }
  for (const name of names) {
    for (const one of withParents(byName, name)) {
      one.stream.selected = true;
      delete one.stream.omittedBecause;
    }
  }
}

function withParents(byName: ReadonlyMap<string, SelectionInput>, name: string): SelectionInput[] {
  const chain: SelectionInput[] = [];
  let next: string | undefined = name;
  while (next !== undefined && chain.length < 20) {
    const input: SelectionInput | undefined = byName.get(next);
    if (input === undefined || chain.includes(input)) break;
    chain.push(input);
    next = input.stream.parent?.stream;
  }
  return chain;
}

function unknownStreams(unknown: readonly string[], known: readonly string[]): SourcewrightError {
  const near = [...new Set(unknown.flatMap((name) => nearest(name, known)))];
  const listed = near.length > 0 ? near : known.slice(0, 12);
  const more =
    near.length > 0 || known.length <= listed.length
      ? ''
      : ` and ${String(known.length - listed.length)} more`;
  const names = unknown.map((name) => `"${name}"`).join(', ');
  return new SourcewrightError('input', `The description has no stream ${names}.`, {
    where: '--streams',
    cure:
      known.length === 0
        ? 'No stream can be read from this description.'
        : `${near.length > 0 ? 'Near names' : 'Its streams'}: ${listed.join(', ')}${more}. \`inspect\` lists them all.`,
  });
}

/** Names that a mistyped one may mean, the nearest first. */
function nearest(name: string, known: readonly string[]): string[] {
  const wanted = name.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  return known
    .map((candidate) => ({
      candidate,
      distance:
        candidate.includes(wanted) || (candidate.length > 3 && wanted.includes(candidate))
          ? 1
          : editDistance(wanted, candidate),
    }))
    .filter(({ distance }) => distance <= limit)
    .sort((left, right) => left.distance - right.distance)
    .slice(0, 5)
    .map(({ candidate }) => candidate);
}

function editDistance(left: string, right: string): number {
  let above = Array.from({ length: right.length + 1 }, (_value, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const here = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const substitution = (above[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      here.push(Math.min(substitution, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1));
    }
    above = here;
  }
  return above[right.length] ?? 0;
}

// ---------------------------------------------------------------------------------------------------------- sensible

/** A setting that this share of the streams needs belongs to the connector (an account's id), not to one stream. */
const SHARED = 0.25;
/** Chains longer than this ask too often to be read unasked. */
const MAX_DEPTH = 2;

function pickSensible(
  inputs: readonly SelectionInput[],
  byName: ReadonlyMap<string, SelectionInput>,
  limit: number,
): void {
  const shared = sharedKeys(inputs);
  const reasons = new Map(inputs.map((input) => [input, reasonAgainst(input, shared)]));
  let eligible = inputs.filter((input) => reasons.get(input) === undefined);
  if (!eligible.some((input) => input.stream.recordShape !== 'single')) {
    // Nothing can be read without the person's settings: then these are asked for.
    eligible = eligible.concat(
      inputs.filter((input) => !eligible.includes(input) && blockedOnlyBySettings(input)),
    );
  }
  if (eligible.length === 0)
    eligible = inputs.filter(
      (input) => input.stream.recordShape === 'single' && !input.elsewhere && settingsOf(input).length === 0,
    );
  const allowed = new Set(eligible);
  const readable = (input: SelectionInput): boolean =>
    withParents(byName, input.stream.name).every((one) => allowed.has(one));
  const ranked = eligible
    .filter(readable)
    .map((input, index) => ({ input, index, depth: depthOf(input) }))
    .sort((left, right) => left.depth - right.depth || left.index - right.index);
  const chosen = new Set<SelectionInput>();
  for (const { input } of ranked) {
    const chain = withParents(byName, input.stream.name);
    const added = chain.filter((one) => !chosen.has(one)).length;
    if (chosen.size + added > limit) continue;
    for (const one of chain) chosen.add(one);
  }
  for (const input of inputs) {
    const { stream } = input;
    stream.selected = chosen.has(input);
    if (stream.selected) delete stream.omittedBecause;
    else
      stream.omittedBecause =
        reasons.get(input) ??
        (readable(input)
          ? `More than ${String(limit)} streams: pick it by name.`
          : 'Its parent is not read by default: pick it by name.');
  }
}

function settingsOf(input: SelectionInput): string[] {
  return input.stream.parameters.flatMap((parameter) =>
    parameter.required && parameter.configKey !== undefined && parameter.value === undefined
      ? [parameter.configKey]
      : [],
  );
}

function sharedKeys(inputs: readonly SelectionInput[]): ReadonlySet<string> {
  const lists = inputs.filter((input) => input.stream.recordShape !== 'single');
  const counts = new Map<string, number>();
  for (const input of lists) {
    for (const key of new Set(settingsOf(input))) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Set(
    [...counts].filter(([, count]) => count >= Math.max(2, lists.length * SHARED)).map(([key]) => key),
  );
}

function reasonAgainst(input: SelectionInput, shared: ReadonlySet<string>): string | undefined {
  const { draft, stream } = input;
  if (draft.endpoint.deprecated) return 'Deprecated.';
  if (input.elsewhere) return 'Served from another address than the rest of the API.';
  if (seemsToChange(draft.endpoint)) return 'Its name says that it changes something.';
  if (draft.unseen) return 'The description does not show its answer.';
  if (stream.recordShape === 'single') return 'Returns one object, not a list.';
  if (looksUp(input)) return `Looks up rows of ${stream.parent?.stream ?? 'another stream'} one by one.`;
  const settings = settingsOf(input).filter((key) => !shared.has(key));
  if (settings.length > 0) return `Needs settings that only you know: ${settings.join(', ')}.`;
  if (depthOf(input) > MAX_DEPTH) return 'Stands more than two levels deep: many requests.';
  if (stream.parent !== undefined && draft.parent.confidence < 0.6)
    return `Its parent ${stream.parent.stream} is uncertain.`;
  if (draft.rows.confidence < 0.55) return 'It is uncertain where its rows stand.';
  return undefined;
}

/** A list at `/blocks/{email}` under the list `/blocks` gives the parent's rows again. */
function looksUp({ draft }: SelectionInput): boolean {
  const last = draft.endpoint.segments.at(-1) ?? '';
  if (!last.startsWith('{') || draft.parent.parent === undefined) return false;
  if (draft.parent.rule === 'path-prefix') return true;
  // `/candidate/{candidate_id}` gives rows whose own key is candidate_id.
  const [parameter] = segmentParameters(last);
  const [key] = draft.primaryKey.paths;
  return (
    parameter !== undefined &&
    key !== undefined &&
    words(parameter).length > 1 &&
    stem(key.at(-1) ?? '') === stem(parameter)
  );
}

function blockedOnlyBySettings(input: SelectionInput): boolean {
  const { draft, stream } = input;
  return (
    !draft.endpoint.deprecated &&
    !seemsToChange(draft.endpoint) &&
    !input.elsewhere &&
    !draft.unseen &&
    stream.recordShape !== 'single' &&
    settingsOf(input).length <= 3
  );
}

function depthOf(input: SelectionInput): number {
  if (input.stream.parent === undefined) return 0;
  // Below another list by a query parameter: one level.
  return Math.max(1, input.draft.endpoint.segments.flatMap(segmentParameters).length);
}
