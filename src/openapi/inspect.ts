/** What `sourcewright inspect` shows of a blueprint: one JSON object for programs, a page of text for people. */
import { z } from 'zod';
import { type Blueprint, Paging, type Stream } from '../blueprint/schema.ts';
import { pagingText } from './rules/questions.ts';

export const Inspection = z.object({
  title: z.string(),
  baseUrl: z.string(),
  auth: z.array(z.object({ kind: z.string(), in: z.string().optional(), name: z.string().optional() })),
  streams: z.array(
    z.object({
      name: z.string(),
      method: z.string(),
      /** As in the document, with `{parameters}`. */
      path: z.string(),
      recordPath: z.array(z.string()),
      /** Fields by dotted path. */
      primaryKey: z.array(z.string()),
      cursorField: z.string().nullable(),
      incrementalParam: z.string().nullable(),
      paging: Paging,
      parent: z.string().nullable(),
      selected: z.boolean(),
      omittedBecause: z.string().optional(),
    }),
  ),
  gaps: z.array(z.object({ stream: z.string().nullable(), fact: z.string(), question: z.string() })),
  operations: z.number(),
  durationMs: z.number(),
});
export type Inspection = z.infer<typeof Inspection>;

/** A blueprint as `inspect --json` prints it. */
export function inspection(blueprint: Blueprint, durationMs: number): Inspection {
  return {
    title: blueprint.api.title,
    baseUrl: blueprint.baseUrl,
    auth: authOf(blueprint),
    streams: blueprint.streams.map(streamOf),
    gaps: blueprint.gaps.map((gap) => ({ stream: gap.stream, fact: gap.fact, question: gap.question })),
    operations: blueprint.operations.length,
    durationMs,
  };
}

function authOf(blueprint: Blueprint): Inspection['auth'] {
  const seen = new Set<string>();
  const shown: Inspection['auth'] = [];
  for (const part of blueprint.auth.flatMap((option) => option.parts)) {
    const one =
      part.kind === 'api_key' ? { kind: part.kind, in: part.in, name: part.name } : { kind: part.kind };
    const key = JSON.stringify(one);
    if (seen.has(key)) continue;
    seen.add(key);
    shown.push(one);
  }
  return shown;
}

function streamOf(stream: Stream): Inspection['streams'][number] {
  return {
    name: stream.name,
    method: stream.method,
    path: documentPath(stream),
    recordPath: [...stream.recordPath],
    primaryKey: stream.primaryKey.map((path) => path.join('.')),
    cursorField: stream.incremental?.cursorField.join('.') ?? null,
    incrementalParam: stream.incremental?.param ?? null,
    paging: stream.paging,
    parent: stream.parent?.stream ?? null,
    selected: stream.selected,
    ...(stream.omittedBecause === undefined ? {} : { omittedBecause: stream.omittedBecause }),
  };
}

/** The path as the document writes it stands in the pointer of the operation: `/paths/~1users/get`. */
function documentPath(stream: Stream): string {
  const [, root, path] = stream.pointer.split('/');
  if (root !== 'paths' || path === undefined) return stream.path;
  return path.replaceAll('~1', '/').replaceAll('~0', '~');
}

const MAX_GAPS_SHOWN = 40;

/** A page for people. */
export function inspectionText(blueprint: Blueprint, durationMs: number): string {
  const seen = inspection(blueprint, durationMs);
  const selected = seen.streams.filter((stream) => stream.selected);
  const omitted = seen.streams.filter((stream) => !stream.selected);
  const lines = [
    seen.title,
    `  Base URL  ${seen.baseUrl}`,
    `  Auth      ${seen.auth.map((one) => (one.name === undefined ? one.kind : `${one.kind} in ${one.in ?? ''} ${one.name}`)).join(', ')}`,
    `  Read in   ${String(Math.round(durationMs))} ms: ${String(seen.streams.length)} streams, ${String(seen.operations)} operations, ${String(seen.gaps.length)} gaps, ${String(blueprint.problems.length)} problems`,
    '',
    `Streams (${String(selected.length)} selected)`,
    ...selected.map(streamLine),
  ];
  if (omitted.length > 0) {
    lines.push('', `Not selected (${String(omitted.length)})`);
    lines.push(
      ...omitted.map((stream) =>
        `  ${stream.name}  ${stream.path}  ${stream.omittedBecause ?? ''}`.trimEnd(),
      ),
    );
  }
  const chosen = new Set(selected.map((stream) => stream.name));
  const gaps = seen.gaps.filter((gap) => gap.stream === null || chosen.has(gap.stream));
  if (gaps.length > 0) {
    lines.push('', `Gaps (${String(gaps.length)})`);
    lines.push(
      ...gaps
        .slice(0, MAX_GAPS_SHOWN)
        .map((gap) => `  ${gap.stream ?? 'API'} · ${gap.fact}: ${gap.question}`),
    );
    if (gaps.length > MAX_GAPS_SHOWN)
      lines.push(`  … and ${String(gaps.length - MAX_GAPS_SHOWN)} more (--json shows all)`);
  }
  return `${lines.join('\n')}\n`;
}

function streamLine(stream: Inspection['streams'][number]): string {
  const parts = [
    `  ${stream.name}  ${stream.method} ${stream.path}`,
    `rows at ${stream.recordPath.length === 0 ? 'the root' : stream.recordPath.join('.')}`,
    `key ${stream.primaryKey.length === 0 ? 'unknown' : stream.primaryKey.join(' + ')}`,
    pagingText(stream.paging),
  ];
  if (stream.cursorField !== null)
    parts.push(`since ${stream.cursorField} by ${stream.incrementalParam ?? 'us'}`);
  if (stream.parent !== null) parts.push(`for each of ${stream.parent}`);
  return parts.join(' · ');
}
