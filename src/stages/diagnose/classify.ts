/** Whose fault is a failing test? Read from its traceback: the deepest frame of the connector, and what was raised. */
import type { DiagnoseResult, TestCase } from '../../pipeline/contracts.ts';
import { isConformance } from '../failing-cases.ts';

type Evidence = DiagnoseResult['evidence'][number];
export type Fault = Evidence['fault'];

/** Which half of the connector differs from what was compiled: the changed side is suspected first. */
export interface ChangedSides {
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

interface Verdict {
  readonly fault: Fault;
  readonly because: string;
  /** For `environment`. */
  readonly cure?: string;
}

/** The file itself is not valid Python. */
const UNPARSED = /\b(SyntaxError|IndentationError|TabError)\b/;

interface Frame {
  readonly file: string;
  readonly line: number;
}

/** The connector's own frames, outermost first. */
export function ownFrames(details: string): Frame[] {
  const toFrame = (found: RegExpMatchArray): Frame[] =>
    found[0].includes('site-packages')
      ? []
      : [{ file: (found[1] ?? '').replaceAll('\\', '/'), line: Number(found[2]) }];
  const pytestStyle = /^(?:.*[\\/])?((?:src|tests)[\\/][^\s:]+\.py):(\d+):/gm;
  const pythonStyle = /^\s*(?:E\s+)?File "(?:.*[\\/])?((?:src|tests)[\\/][^"]+\.py)", line (\d+)/gm;
  const frames = [...details.matchAll(pytestStyle)].flatMap(toFrame);
  const named = [...details.matchAll(pythonStyle)].flatMap(toFrame);
  // What does not parse is named in Python's own style, below the frames that imported it.
  return frames.length === 0 || UNPARSED.test(details) ? [...frames, ...named] : frames;
}

/** What was raised, as one text: the lines that pytest marks with `E`, and the message. */
export function raisedText(entry: TestCase): string {
  const marked = [...(entry.details ?? '').matchAll(/^E\s+(.*)$/gm)].map((found) => found[1] ?? '');
  return [entry.message ?? '', ...marked].join('\n');
}

const INSTALL =
  'Check requirements.txt and requirements-dev.txt; the environment is built anew when they change. Then resume.';

/** Signs of the machine rather than of the connector, with their cures. */
const ENVIRONMENT: readonly (readonly [RegExp, string, string])[] = [
  [/No space left on device|\[Errno 28\]|ENOSPC/, 'the disk is full', 'Free some space, then resume.'],
  [
    /\bMemoryError\b|Cannot allocate memory|\[Errno 12\]/,
    'memory ran out',
    'Close other programs, then resume.',
  ],
  [
    /Too many open files|\[Errno 24\]/,
    'too many files are open',
    'Raise the limit (ulimit -n), then resume.',
  ],
  [
    /\[Errno 13\]|\[Errno 30\]|PermissionError/,
    'a file may not be read or written',
    'Correct the rights of the folder, then resume.',
  ],
  [
    /Address already in use|\[Errno 98\]|\[Errno 48\]/,
    'a network port is taken',
    'End the program that holds the port, then resume.',
  ],
  [
    /Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo failed|Network is unreachable/,
    'a test reached for the network',
    'Tests must run without a network; see which test it is, or connect and resume.',
  ],
  [
    /async def functions are not natively supported|Unknown config option: asyncio_mode|fixture '(?:mocker|httpx_mock|respx_mock|requests_mock|event_loop|benchmark|freezer|anyio_backend)' not found/,
    'a plugin of pytest is missing',
    INSTALL,
  ],
  [/error: unrecognized arguments: --cov|unrecognized arguments/, 'a plugin of pytest is missing', INSTALL],
  [
    /version `GLIBC|cannot open shared object file|DLL load failed|incompatible architecture/,
    'a binary package does not fit this machine',
    'Delete the cached environment (or choose another Python in the settings), then resume.',
  ],
];

/** Errors that speak of the test's own text, where the deepest frame is in the tests. */
const TEST_MISTAKES =
  /\b(NameError|SyntaxError|IndentationError|TabError|UnboundLocalError|fixture '[^']+' not found|FixtureLookupError|ScopeMismatch)\b/;
const INTERFACE = /\b(ImportError|AttributeError|TypeError|ModuleNotFoundError|KeyError)\b/;

function missingModule(text: string): Verdict | undefined {
  const name = /ModuleNotFoundError: No module named '([^']+)'/.exec(text)?.[1];
  if (name === undefined) return undefined;
  const top = name.split('.')[0] ?? name;
  if (top === 'src') return { fault: 'code', because: `the module ${name} is missing` };
  if (top === 'tests' || top === 'conftest')
    return { fault: 'tests', because: `the test module ${name} is missing` };
  return { fault: 'environment', because: `the package ${top} is not installed`, cure: INSTALL };
}

function environmentSign(text: string): Verdict | undefined {
  for (const [sign, because, cure] of ENVIRONMENT) {
    if (sign.test(text)) return { fault: 'environment', because, cure };
  }
  return undefined;
}

const where = (frame: Frame): string => `${frame.file}:${frame.line}`;

/** Only one side was changed: the tie between code and tests is broken by that. */
function changedSide(changed: ChangedSides, frames: readonly Frame[], otherwise: Verdict): Verdict {
  const inTest = frames.some((frame) => changed.tests.includes(frame.file));
  if (changed.code.length === 0 && inTest) {
    const files = changed.tests.join(', ');
    return {
      fault: 'tests',
      because: `${otherwise.because}; the code is as compiled, the tests are not (${files})`,
    };
  }
  if (changed.tests.length === 0 && changed.code.length > 0) {
    return {
      fault: 'code',
      because: `${otherwise.because}; the tests are as compiled, the code is not (${changed.code.join(', ')})`,
    };
  }
  return otherwise;
}

/** The fault behind one failing test. */
export function classify(entry: TestCase, changed: ChangedSides): Verdict {
  if (isConformance(entry)) return { fault: 'code', because: entry.message ?? entry.id };
  const text = raisedText(entry);
  const all = `${text}\n${entry.details ?? ''}`;
  const frames = ownFrames(entry.details ?? '');
  const deepest = frames.at(-1);
  const raised =
    /\b([A-Z][A-Za-z]*(?:Error|Exception|Warning|Exit|Interrupt))\b/.exec(text)?.[1] ?? 'an error';
  const environment = missingModule(all) ?? environmentSign(text);
  if (environment !== undefined) return environment;
  if (deepest === undefined) {
    if (TEST_MISTAKES.test(all)) return { fault: 'tests', because: `${raised} while the test was set up` };
    return changedSide(changed, [{ file: entry.file, line: entry.line ?? 1 }], {
      fault: 'code',
      because: `${raised} without a place`,
    });
  }
  if (deepest.file.startsWith('src/')) return { fault: 'code', because: `${raised} at ${where(deepest)}` };
  if (TEST_MISTAKES.test(text)) return { fault: 'tests', because: `${raised} at ${where(deepest)}` };
  if (/AssertionError|Failed: DID NOT|^assert /m.test(text)) {
    return changedSide(changed, frames, {
      fault: 'code',
      because: `the behaviour asserted at ${where(deepest)} is not met`,
    });
  }
  if (INTERFACE.test(text) || /FileNotFoundError/.test(text)) {
    return changedSide(changed, frames, { fault: 'tests', because: `${raised} at ${where(deepest)}` });
  }
  const fault: Fault = entry.outcome === 'error' ? 'tests' : 'code';
  return changedSide(changed, frames, { fault, because: `${raised} at ${where(deepest)}` });
}

/** The verdict over all failing tests: the environment first, then the side with evidence of its own. */
export function overall(verdicts: readonly Verdict[], changed: ChangedSides): Fault {
  const has = (fault: Fault): boolean => verdicts.some((verdict) => verdict.fault === fault);
  if (has('environment')) return 'environment';
  if (has('tests') && (changed.tests.length > 0 || !has('code'))) return 'tests';
  return 'code';
}

/** What pytest printed when it could not even start or collect. */
export function classifyOutput(output: string, changed: ChangedSides): Verdict {
  const entry: TestCase = {
    id: 'pytest',
    file: 'tests/conftest.py',
    outcome: 'error',
    durationMs: 0,
    message: output.slice(-4000),
    details: output,
  };
  return classify(entry, changed);
}
