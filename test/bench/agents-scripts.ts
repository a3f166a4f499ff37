/**
 * Scripted conversations for the bench of the agents: what each agent says in a run of the bundled sample where all goes
 * well, and in a run of the harbour's API where the code has to be fixed and improved. No model is asked: how many turns are
 * taken, which files are read and how long answers are was decided here, not measured.
 */
import {
  approve,
  generate,
  HAPPY,
  LENGTHS,
  test,
  words,
  worthIt,
  write,
  written,
} from '../agents/pipeline/harbour.ts';
import type { Conversations, ScriptedTurn } from '../agents/pipeline/support.ts';
import { json, reply, tool, webFetch, webSearch } from '../agents/loopback/index.ts';

const DOCS = {
  url: 'https://developer.pagerduty.example/docs/rest-api',
  title: 'REST API overview (scripted)',
  text: [
    'REST API overview. This page is scripted: it was written for a bench and is not the documentation of the service.',
    'Rate limits. A key may send 960 requests a minute. Beyond that the answer is 429, and the header ratelimit-reset says after how many seconds to try again. Limits are counted for the key, not for the address that it is used from.',
    'Authentication. Send the key in the header Authorization as "Token token=" and the key. Keys are read-only or have full access; a read-only key is enough for everything on this page.',
    'Classic paging. Most lists take limit and offset. limit is at most 100, and more is true while another page follows. offset and limit together may not be more than 10000. Cursor paging. The audit trail answers a next_cursor, which is null on the last page.',
    'Notes of an incident. All notes of an incident come in one answer, the newest first; limit and offset are not looked at.',
    'Contact methods of a user. All contact methods of a user come in one answer, as nobody has many of them.',
    'Members of a team. A user is a member of a team at most once, so that the id of the user tells members apart.',
    'Incidents, since and until. since keeps incidents whose created_at is at or after this time, until those before it. A range has at most 180 days. Times are in ISO 8601 with an offset.',
    'Log entries, since and until. since keeps log entries whose created_at is at or after this time.',
    'Audit records, since and until. since keeps records whose execution_time is at or after this time; a range has at most 31 days. remote_address in execution_context carries IPv6 addresses in brackets, for the sake of old clients: take the brackets off before comparing it.',
  ].join('\n\n'),
};

const at = (quote: string): { url: string; quote: string; confidence: number } => ({
  url: DOCS.url,
  quote,
  confidence: 0.9,
});
const since = (field: string, more: object = {}): string =>
  JSON.stringify({
    cursorField: [field],
    cursorFormat: 'date_time',
    param: 'since',
    paramFormat: 'date_time',
    required: false,
    ...more,
  });
const ONE_PAGE = '{"kind":"none"}';

/** Answers to seven of the ten questions that the rules leave open; three the page does not answer. */
const CLAIMS = [
  {
    stream: null,
    fact: 'rate_limit',
    value: '{"requests":960,"windowSeconds":60,"retryAfterHeader":"retry-after"}',
    ...at('A key may send 960 requests a minute.'),
  },
  {
    stream: 'incidents',
    fact: 'incremental',
    value: since('created_at', { endParam: 'until', maxWindowDays: 180 }),
    ...at('since keeps incidents whose created_at is at or after this time'),
  },
  {
    stream: 'notes',
    fact: 'paging',
    value: ONE_PAGE,
    ...at('All notes of an incident come in one answer'),
  },
  {
    stream: 'log_entries',
    fact: 'incremental',
    value: since('created_at'),
    ...at('since keeps log entries whose created_at is at or after this time'),
  },
  {
    stream: 'contact_methods',
    fact: 'paging',
    value: ONE_PAGE,
    ...at('All contact methods of a user come in one answer'),
  },
  {
    stream: 'members',
    fact: 'primary_key',
    value: '[["user","id"]]',
    ...at('the id of the user tells members apart'),
  },
  {
    stream: 'records',
    fact: 'incremental',
    value: since('execution_time', { endParam: 'until', maxWindowDays: 31 }),
    ...at('since keeps records whose execution_time is at or after this time'),
  },
];

const ADDRESSES = `"""Addresses in audit records."""


def bare(address: str) -> str:
    """Return an IPv6 address without its brackets; any other address stays as it is."""
    if address.startswith("[") and address.endswith("]"):
        return address[1:-1]
    return address
`;

const ADDRESSES_TEST = `"""Tests of addresses in audit records."""

from src.addresses import bare


def test_brackets_go() -> None:
    """An IPv6 address loses its brackets."""
    assert bare("[2001:db8::1]") == "2001:db8::1"


def test_others_stay() -> None:
    """What has no brackets stays."""
    assert bare("192.0.2.7") == "192.0.2.7"


def test_half_a_pair_stays() -> None:
    """A bracket on one side only is none of ours."""
    assert bare("[2001:db8::1") == "[2001:db8::1"
`;

const read = (file_path: string): ReturnType<typeof tool> => tool('read', { file_path });

/** The sample: research in two turns, code and tests written after reading what is around them. */
export const SAMPLE: Conversations = {
  research: [
    [
      reply(
        [
          webSearch({
            query: 'PagerDuty REST API rate limits incremental since',
            results: [{ url: DOCS.url, title: DOCS.title }],
          }),
          webFetch(DOCS),
        ],
        { stopReason: 'pause_turn' },
      ),
      json({
        summary:
          'The overview answers most questions: limits, how lists page, and what since goes by. Notes, the log entries of one incident and services have no filter.',
        claims: CLAIMS,
        streams: [],
        api: null,
        beyond: [
          {
            stream: 'records',
            what: 'Takes the brackets off IPv6 addresses in execution_context.remote_address.',
            url: DOCS.url,
            quote: 'carries IPv6 addresses in brackets',
          },
        ],
        existingConnectors: [],
        withdrawn: [],
        openQuestions: ['Whether notes, log entries of one incident and services can be read in parts.'],
      }),
    ],
  ],
  generate: [
    [
      [tool('glob', { pattern: 'src/*.py' }), tool('grep', { pattern: 'def as_records', path: 'src' })],
      [read('src/records.py'), read('src/reader.py')],
      write('src/addresses.py', ADDRESSES),
      tool('check', {}),
      (request) => written(request),
    ],
  ],
  test: [
    [
      [read('src/addresses.py'), read('tests/conftest.py')],
      write('tests/test_addresses.py', ADDRESSES_TEST),
      tool('run_tests', { only: ['tests/test_addresses.py'] }),
      (request) => written(request),
    ],
  ],
  'diagnose-pass': [[read('tests/test_addresses.py'), ...worthIt]],
  review: [[read('src/addresses.py'), ...approve]],
  publish: [words],
};

/** Feet and metres the wrong way round: the tester's tests fail. */
const WRONG = LENGTHS.replace('if built < 1990', 'if built > 1990');
const FIX = { file_path: 'src/lengths.py', old_string: 'built > 1990', new_string: 'built < 1990' };

const blameCode: ScriptedTurn = (request) => {
  const tests = [...new Set(request.userText.match(/tests\/[\w/]+\.py::[\w:[\]-]+/g) ?? [])];
  const because = 'src/lengths.py:8 takes the newer ships for the older ones';
  const evidence = tests.map((id) => ({ test: id, fault: 'code', because }));
  return json({ verdict: 'code', explanation: 'Old and new ships are mixed up.', cure: null, evidence });
};

const LINE = LENGTHS.split('\n').findIndex((line) => line.includes('built < 1990')) + 1;
const finding: ScriptedTurn = json({
  decision: 'needs_work',
  question: null,
  findings: [
    {
      file: 'src/lengths.py',
      startLine: LINE,
      endLine: LINE,
      severity: 'warning',
      category: 'correctness',
      message: 'A length that is negative is turned as well: it should be refused.',
      before: LENGTHS.split('\n')[LINE - 1],
      after: null,
    },
  ],
});
const REFUSED = `    if length < 0:
        raise ValueError("A length is not negative.")
    return length * FEET_TO_METRES`;

/** The harbour's API with a mistake in the code that is fixed, and a finding that is worked in. */
export const REPAIRED: Conversations = {
  ...HAPPY,
  generate: [generate(WRONG)],
  test: [test()],
  diagnose: [[read('src/lengths.py'), blameCode]],
  'generate-fix': [
    [read('src/lengths.py'), tool('edit', FIX), tool('check', {}), (request) => written(request)],
  ],
  'diagnose-pass': [worthIt, worthIt],
  review: [[read('src/lengths.py'), finding], approve],
  'generate-improve': [
    [
      read('src/lengths.py'),
      tool('edit', {
        file_path: 'src/lengths.py',
        old_string: '    return length * FEET_TO_METRES',
        new_string: REFUSED,
      }),
      tool('check', {}),
      (request) => written(request),
    ],
  ],
};
