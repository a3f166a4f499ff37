/** Scripted conversations about the harbour's API: what each agent says when all goes well, for tests to change. */
import { json, tool, webFetch, type ReceivedMessageRequest } from '../loopback/index.ts';
import type { ScriptedTurn } from './support.ts';

export const DOCS = {
  url: 'https://docs.harbour.example/api',
  title: 'Harbour API',
  text: [
    'Harbour API. You may send sixty requests a minute.',
    'Ships: the number of a ship is unique and never used again.',
    'changed_from: only ships that changed at or after this time, an RFC 3339 date-time.',
    'Lengths are in metres. Ships before 1990 carry their length in feet in length_metres by mistake.',
  ].join('\n'),
};
const at = (quote: string): { url: string; quote: string; confidence: number } => ({
  url: DOCS.url,
  quote,
  confidence: 0.9,
});

export const CLAIMS = [
  {
    stream: null,
    fact: 'rate_limit',
    value: '{"requests":60,"windowSeconds":60}',
    ...at('sixty requests a minute'),
  },
  { stream: 'ships', fact: 'primary_key', value: '"number"', ...at('the number of a ship is unique') },
  {
    stream: 'ships',
    fact: 'incremental',
    value: JSON.stringify({
      cursorField: ['changed_at'],
      cursorFormat: 'date_time',
      param: 'changed_from',
      paramFormat: 'date_time',
      required: false,
    }),
    ...at('only ships that changed at or after this time, an RFC 3339 date-time'),
  },
];

export const BEYOND = {
  stream: 'ships',
  what: 'A function that turns feet into metres for ships built before 1990.',
  url: DOCS.url,
  quote: 'carry their length in feet in length_metres by mistake',
};

export function research(changes: object = {}): ScriptedTurn[] {
  const answer = {
    summary: 'The documentation answers all open questions.',
    claims: CLAIMS,
    streams: [],
    api: null,
    beyond: [BEYOND],
    existingConnectors: [],
    withdrawn: [],
    openQuestions: [],
    ...changes,
  };
  return [[webFetch(DOCS), json(answer)]];
}

/** Ids of what was asked, as the first message names them: findings, items beyond the blueprint, the person's words. */
export function askedIds(request: ReceivedMessageRequest): string[] {
  const named = [...request.userText.matchAll(/^- (beyond-\d+|again-\d+|person): /gm)].map(
    (found) => found[1] ?? '',
  );
  const findings = request.userText.match(/\b[0-9a-f]{16}\b/g) ?? [];
  return [...new Set([...named, ...findings])];
}

export function written(request: ReceivedMessageRequest, fixed = true): ReturnType<typeof json> {
  const findings = askedIds(request).map((id) => ({ id, fixed, why: 'Done as asked.' }));
  return json({ summary: 'Wrote what was asked.', findings, unresolved: [] });
}

export const LENGTHS = `"""Lengths of ships."""

FEET_TO_METRES = 0.3048


def metres(length: float, built: int) -> float:
    """Return the length in metres; ships built before 1990 carry feet."""
    return length * FEET_TO_METRES if built < 1990 else length
`;

export const LENGTHS_TEST = `"""Tests of the lengths."""

from src.lengths import metres


def test_old_ships_carry_feet() -> None:
    """Ships built before 1990 carry feet."""
    assert metres(100, 1970) == 100 * 0.3048


def test_new_ships_carry_metres() -> None:
    """Newer ships carry metres."""
    assert metres(100, 2001) == 100
`;

export const write = (file_path: string, content: string): ReturnType<typeof tool> =>
  tool('write', { file_path, content });

export const generate = (content = LENGTHS): ScriptedTurn[] => [
  tool('glob', { pattern: 'src/*.py' }),
  [write('src/lengths.py', content)],
  tool('check', {}),
  (request) => written(request),
];

export const test = (content = LENGTHS_TEST): ScriptedTurn[] => [
  write('tests/test_lengths.py', content),
  tool('run_tests', { only: ['tests/test_lengths.py'] }),
  (request) => written(request),
];

export const worthIt: ScriptedTurn[] = [json({ findings: [] })];
export const approve: ScriptedTurn[] = [json({ decision: 'approve', question: null, findings: [] })];
export const words: ScriptedTurn[] = [
  json({
    title: 'Read ships and berths of the harbour',
    summary: 'Reads ships and berths. Lengths of old ships are turned into metres.',
    changes: ['Lengths in metres for ships built before 1990.'],
    notes: [],
  }),
];

/** All agents, and all goes well. */
export const HAPPY = {
  research: [research()],
  generate: [generate()],
  test: [test()],
  'diagnose-pass': [worthIt],
  review: [approve],
  publish: [words],
};
