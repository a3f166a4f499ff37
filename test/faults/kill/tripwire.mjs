/**
 * Loaded before the built program (`node --import tripwire.mjs?… dist/cli.mjs`): sees every step by which the program
 * changes something that outlives it, writes their names down, and ends the process with SIGKILL at one of them. The
 * program itself knows nothing of it.
 *
 * Steps: a line appended to a journal or a transcript (`journal.jsonl done test 1`), a file put in its place (`rename
 * brief.json`), a lock (`link lock`), and a program that was run (`exit git update-ref`). Parameters of the address:
 * `log`, the file that receives the names; `when` (before, torn, after) and `what`, the step to die at.
 */
import childProcess from 'node:child_process';
import { appendFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const given = new URL(import.meta.url).searchParams;
const [log, when, what] = [given.get('log'), given.get('when'), given.get('what')];

/** Never returns from the step that it was told to die at. */
function die() {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing may happen in the meantime.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** @param act does the step @param half does half of it, where it can be torn */
async function step(name, act, half) {
  const named = name === what;
  if (named && when === 'before') die();
  if (named && when === 'torn') {
    await (half ?? act)();
    die();
  }
  const result = await act();
  appendFileSync(log, `${name}\n`);
  if (named && when === 'after') die();
  return result;
}

/** What a line says, in words that are the same from run to run. */
function nameOf(path, line) {
  const { record } = JSON.parse(line);
  const { type, stage, gate, attempt, turn, id } = record;
  const about = type === 'begin' ? [] : [stage ?? gate, attempt, turn, id];
  return [basename(path), type, ...about].filter((word) => word !== undefined).join(' ');
}

/** A file's name without what is random in it. */
function fileName(path) {
  return basename(String(path))
    .replace(/^\d{6}-.*-(\w+-\d+-(before|after)\.json)$/, 'snapshot $1')
    .replace(/-?[0-9a-f]{8,}/g, '');
}

function watchFiles() {
  const { open, rename, link } = fs;
  fs.open = async (path, ...rest) => {
    const file = await open(path, ...rest);
    if (!String(path).endsWith('.jsonl')) return file;
    const append = file.appendFile.bind(file);
    file.appendFile = (text, options) =>
      step(
        nameOf(path, text),
        () => append(text, options),
        () => append(text.slice(0, text.length / 2), options),
      );
    return file;
  };
  fs.rename = (from, to) => step(`rename ${fileName(to)}`, () => rename(from, to));
  fs.link = (from, to) => step(`link ${fileName(to)}`, () => link(from, to));
}

/** What is run behind `supervise.py` and a sandbox: the last Python of the command, and its words. */
function confined(file, words) {
  const at = words.findLastIndex((word) => /^python[\d.]*$/.test(basename(word)));
  const supervised = words.some((word) => basename(word) === 'supervise.py');
  return supervised && at >= 0 ? [words[at], words.slice(at + 1)] : [file, words];
}

/** A program and what it was asked for: `git update-ref`, `python pytest`, `python build_packages.py`. */
function programName(started, given) {
  const [file, words] = confined(started, given);
  const script = words.find((word) => word.endsWith('.py'));
  const verb = words.find((word, at) => !word.startsWith('-') && !['-c', '-X'].includes(words[at - 1]));
  const python = basename(file).startsWith('python');
  const told = script ?? (python && words.includes('-m') ? words[words.indexOf('-m') + 1] : verb) ?? '';
  return `${basename(file).replace(/[\d.]+$/, '')} ${fileName(told)}`.trim();
}

function watchPrograms() {
  const { spawn } = childProcess;
  childProcess.spawn = (file, words, options) => {
    const child = spawn(file, words, options);
    if (!Array.isArray(words)) return child;
    const name = programName(file, words);
    appendFileSync(log, `start ${name}\n`);
    // Long enough for the program to be in the middle of its work.
    if (what === `start ${name}` && when === 'after') setTimeout(die, 700);
    child.once('exit', () => {
      if (what === `exit ${name}` && when === 'after') die();
      appendFileSync(log, `exit ${name}\n`);
    });
    return child;
  };
}

if (isMainThread) {
  watchFiles();
  watchPrograms();
  syncBuiltinESMExports();
}
