// `npm test`: sets up what is missing, runs every suite, and ends with one line: N passed, N failed. A suite that can't
// run, runs no test or skips one counts as failed: nothing is left out in silence.
//   npm test                 everything
//   npm test -- unit cli     only these suites
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildIfStale,
  installDependencies,
  NotReady,
  requireNode,
  requirePython,
  root,
  run,
} from './setup.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);
const mocha = (...words) => [
  bin('mocha'),
  [...words, '--reporter', join(root, 'scripts', 'mocha-counts.cjs')],
];
const script = (...words) => [process.execPath, [join(root, words[0]), ...words.slice(1)]];

/** `single` suites are one test: they pass or they don't. */
const CHECKS = [
  { name: 'typecheck', single: true, command: () => [bin('tsc'), ['--noEmit']] },
  {
    name: 'typecheck of the panels',
    single: true,
    command: () => [bin('tsc'), ['--noEmit', '-p', 'src/webview']],
  },
  { name: 'lint', single: true, command: () => [bin('eslint'), ['.']] },
  { name: 'format', single: true, command: () => [bin('prettier'), ['--check', '--log-level', 'warn', '.']] },
];
const UNIT = { name: 'unit', command: () => mocha('--config', 'test/unit/.mocharc.json') };
const AGENTS = { name: 'agents', command: () => mocha('--config', 'test/agents/.mocharc.json') };
const PYTHON = { name: 'python', command: () => script('test/python/run.mjs') };
const CLI = { name: 'cli', command: () => mocha('--config', 'test/cli/.mocharc.json') };
const FAULTS = { name: 'faults', command: () => mocha('--config', 'test/faults/.mocharc.json') };
const EXTENSION = {
  name: 'extension',
  command: () => script('scripts/vscode-host/run-extension-tests.mjs'),
};
const E2E = { name: 'e2e', command: () => script('scripts/vscode-host/run-e2e.mjs') };

/**
 * Steps one after the other, what fails fast first; within a step, lanes side by side. Suites that only read dist/ may share a
 * step. What builds it anew, and what waits for a person's eye, runs alone.
 */
const STEPS = [
  [CHECKS],
  [
    [UNIT, PYTHON, FAULTS],
    [AGENTS, CLI],
  ],
  [[EXTENSION]],
  [[E2E]],
];
const SUITES = STEPS.flat(2);

const say = (line = '') => process.stdout.write(`${line}\n`);
const results = join(root, 'test-results');
const wanted = process.argv.slice(2);

let passed = 0;
let failed = 0;
const lines = [];
try {
  const unknown = wanted.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined)
    throw new NotReady(`There is no suite "${unknown}": ${SUITES.map(({ name }) => name).join(', ')}`);
  requireNode();
  const python = requirePython();
  say(`Node ${process.versions.node}, Python ${python.version} (${python.path})`);
  process.env.SOURCEWRIGHT_PYTHON = python.path;
  await installDependencies(say);
  await buildIfStale(say);
  mkdirSync(results, { recursive: true });
  for (const lanes of STEPS) {
    const asked = lanes.map((lane) => lane.filter(isWanted)).filter((lane) => lane.length > 0);
    await Promise.all(asked.map((lane) => runLane(lane, asked.length > 1)));
  }
} catch (error) {
  failed += 1;
  lines.push(`set-up     ${error.message}`);
}
say();
for (const line of lines) say(line);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function isWanted({ name }) {
  return wanted.length === 0 || wanted.includes(name);
}

/** What a suite beside others prints is kept back until it has ended, so that each can be read. */
async function runLane(suites, beside) {
  for (const suite of suites) {
    if (!beside) {
      say(`\n== ${suite.name}`);
      await runSuite(suite);
      continue;
    }
    say(`\n== ${suite.name} (its output follows when it has ended)`);
    const kept = [];
    await runSuite(suite, (chunk) => kept.push(chunk));
    process.stdout.write(`\n== ${suite.name}\n${Buffer.concat(kept).toString('utf8')}`);
  }
}

/** @param output receives what it prints; absent = it goes where ours goes */
async function runSuite(suite, output) {
  const counts = join(results, `${suite.name}-counts.json`);
  rmSync(counts, { force: true });
  const started = performance.now();
  const [file, words] = suite.command();
  let exit = 1;
  let trouble = '';
  try {
    const env = { ...process.env, SOURCEWRIGHT_TEST_COUNTS: counts };
    exit = await run(file, words, { env, check: false, output });
  } catch (error) {
    trouble = error.message;
  }
  const found = suite.single
    ? { passed: exit === 0 ? 1 : 0, failed: exit === 0 ? 0 : 1, skipped: 0 }
    : numbers(counts);
  if (found === undefined) trouble ||= 'it left no numbers behind';
  else if (found.skipped > 0) trouble ||= `${found.skipped} skipped`;
  else if (found.passed + found.failed === 0) trouble ||= 'it ran no test';
  else if (exit !== 0 && found.failed === 0)
    trouble ||= `no test failed, and yet it ended with exit code ${exit}`;
  passed += found?.passed ?? 0;
  failed += (found?.failed ?? 0) + (found?.skipped ?? 0);
  if (trouble !== '' && !(found?.skipped > 0)) failed += 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const text = found === undefined ? '' : `${found.passed} passed, ${found.failed} failed`;
  lines.push(
    `${suite.name.padEnd(10)} ${[text, trouble].filter((part) => part !== '').join('; ')} (${seconds} s)`,
  );
}

/** What a suite wrote about itself, or undefined when it wrote nothing usable. */
function numbers(path) {
  if (!existsSync(path)) return undefined;
  const read = JSON.parse(readFileSync(path, 'utf8'));
  const number = (value) => (Number.isInteger(value) && value >= 0 ? value : undefined);
  const [good, bad, skipped] = [number(read.passed), number(read.failed), number(read.skipped ?? 0)];
  return good === undefined || bad === undefined || skipped === undefined
    ? undefined
    : { passed: good, failed: bad, skipped };
}
