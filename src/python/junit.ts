/** Reads pytest's JUnit XML (family xunit1) as evidence; refuses what is not plainly that. */
import { readFile, stat } from 'node:fs/promises';
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import type { TestCase } from '../pipeline/contracts.ts';

/** The file is unusable as evidence, with the reason in words for the person. */
export class UnusableEvidence extends Error {
  override readonly name = 'UnusableEvidence';
}

/** Larger files are refused: a suite of ten thousand tests makes about 5 MB. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DETAILS = 8 * 1024;

/** An element with attributes and text; a lone text node is parsed to a string. */
const Outcome = z.union([
  z.string().transform((text) => ({ message: undefined, text })),
  z
    .object({ '@message': z.string().optional(), '#text': z.string().optional() })
    .transform((node) => ({ message: node['@message'], text: node['#text'] ?? '' })),
]);
const Case = z.object({
  '@classname': z.string().default(''),
  '@name': z.string(),
  '@file': z.string().optional(),
  '@line': z.string().optional(),
  '@time': z.string().default('0'),
  failure: z.array(Outcome).default([]),
  error: z.array(Outcome).default([]),
  skipped: z.array(Outcome).default([]),
});
const Suite = z.object({
  '@tests': z.coerce.number(),
  '@failures': z.coerce.number().default(0),
  '@errors': z.coerce.number().default(0),
  '@skipped': z.coerce.number().default(0),
  testcase: z.array(Case).default([]),
});
const Root = z.object({ testsuites: z.object({ testsuite: z.array(Suite) }) });

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The five entities of XML and character numbers; any other stays as it is written. */
function decode(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|lt|gt|amp|quot|apos);/g, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Cuts the middle out of a long text: a traceback's first and last lines say most. */
export function excerpt(text: string, limit: number = MAX_DETAILS): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 40) / 2);
  return `${text.slice(0, half)}\n… ${text.length - 2 * half} characters left out …\n${text.slice(-half)}`;
}

/** `tests.test_read.TestX` and `tests/test_read.py` → the test's id as pytest prints it. */
function caseId(entry: z.infer<typeof Case>, file: string): string {
  if (entry['@classname'] === '') return file;
  const module = file.replace(/\.py$/, '').replaceAll('/', '.');
  const rest = entry['@classname'].startsWith(`${module}.`)
    ? entry['@classname'].slice(module.length + 1)
    : '';
  const classes = rest === '' ? [] : rest.split('.');
  return [file, ...classes, decode(entry['@name'])].join('::');
}

/** A failed collection names a dotted module and no file. */
function caseFile(entry: z.infer<typeof Case>): string {
  if (entry['@file'] !== undefined) return entry['@file'].replaceAll('\\', '/');
  if (entry['@classname'] === '') {
    const name = decode(entry['@name']);
    return name.endsWith('.py') ? name : `${name.replaceAll('.', '/')}.py`;
  }
  const parts = entry['@classname'].split('.');
  const module = parts.filter((part) => !/^[A-Z]/.test(part));
  return `${module.join('/')}.py`;
}

function toTestCase(entry: z.infer<typeof Case>): TestCase {
  const file = caseFile(entry);
  const said = entry.error[0] ?? entry.failure[0] ?? entry.skipped[0];
  const line = entry['@line'] === undefined ? undefined : Number(entry['@line']) + 1;
  const seconds = Number(entry['@time']);
  return {
    id: caseId(entry, file),
    file,
    ...(line === undefined || !Number.isInteger(line) || line < 1 ? {} : { line }),
    outcome:
      entry.error.length > 0
        ? 'error'
        : entry.failure.length > 0
          ? 'failed'
          : entry.skipped.length > 0
            ? 'skipped'
            : 'passed',
    durationMs: Number.isFinite(seconds) ? Math.round(seconds * 1000) : 0,
    ...(said?.message === undefined ? {} : { message: excerpt(decode(said.message), 2000) }),
    ...(said === undefined || said.text === '' ? {} : { details: excerpt(decode(said.text)) }),
  };
}

const WORSE = { passed: 0, skipped: 1, failed: 2, error: 3 } as const;

/** A test whose clean-up fails is listed twice; the worse outcome stands. */
function mergeRepeated(cases: readonly TestCase[]): TestCase[] {
  const byId = new Map<string, TestCase>();
  for (const entry of cases) {
    const known = byId.get(entry.id);
    if (known === undefined || WORSE[entry.outcome] > WORSE[known.outcome]) byId.set(entry.id, entry);
  }
  return [...byId.values()];
}

/**
 * The test cases of a JUnit document.
 * @throws UnusableEvidence when it is not well-formed, truncated, of another shape, counts other than it lists, or
 *   declares a document type (entities could make a small file huge).
 */
export function parseJunit(xml: string): TestCase[] {
  const body = xml.search(/<testsuites?[\s>]/);
  if (xml.trim() === '') throw new UnusableEvidence('pytest left an empty result file');
  if (body < 0) throw new UnusableEvidence('the result file is not JUnit XML');
  if (xml.slice(0, body).includes('<!'))
    throw new UnusableEvidence('the result file declares a document type');
  if (!/<\/testsuites>\s*$/.test(xml)) throw new UnusableEvidence('the result file is cut off');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    trimValues: false,
    isArray: (name) => ['testsuite', 'testcase', 'failure', 'error', 'skipped'].includes(name),
  });
  let suites;
  try {
    suites = Root.parse(parser.parse(xml)).testsuites.testsuite;
  } catch (error) {
    const first = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw new UnusableEvidence(`the result file can't be read as JUnit XML (${first.slice(0, 200)})`);
  }
  const listed = suites.flatMap((suite) => suite.testcase);
  const counted = suites.reduce((sum, suite) => sum + suite['@tests'], 0);
  if (listed.length < counted) {
    throw new UnusableEvidence(`the result file counts ${counted} tests and lists ${listed.length}`);
  }
  return mergeRepeated(listed.map(toTestCase));
}

/**
 * Reads a JUnit file.
 * @throws UnusableEvidence also when it is missing or over 64 MB.
 */
export async function readJunit(path: string): Promise<TestCase[]> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isFile() !== true) throw new UnusableEvidence('pytest left no result file');
  if (entry.size > MAX_BYTES) throw new UnusableEvidence(`the result file is ${entry.size} bytes long`);
  return parseJunit(await readFile(path, 'utf8'));
}
