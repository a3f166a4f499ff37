/** The evidence of a test run as the run view shows it: bounded, from `test-report.json` alone. Pure. */
import type { FailedCheck } from '../../../conformance/contracts.ts';
import type { Mutation, TestReport } from '../../../pipeline/contracts.ts';
import { isolationWords } from '../../../python/isolation/words.ts';
import type { CheckRow, Cut, Evidence } from '../../../webview/run/contract.ts';

/** Rows of a list that are shown; the rendered report has them all. */
const MOST = 50;
const PROBLEMS = 5;
const MESSAGE = 600;
const CODE = 200;

/** How the connector stands to what ran. */
export interface EvidenceNow {
  /** The tests run again, or will. */
  readonly outdated: boolean;
  /** Whether code and tests are still what ran; null where that is not known. */
  readonly unchanged: boolean | null;
}

export function evidenceOf(report: TestReport, now: EvidenceNow): Evidence {
  const bad = report.cases.filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
  return {
    verdict: report.verdict,
    reason: report.reason === undefined ? null : line(report.reason, MESSAGE),
    ...now,
    total: report.total,
    passed: report.passed,
    failed: report.failed,
    errors: report.errors,
    skipped: report.skipped,
    coverage: report.coverage,
    exitCode: report.exitCode,
    timedOut: report.timedOut,
    durationMs: report.durationMs,
    startedAt: report.startedAt,
    command: line(report.command.join(' '), MESSAGE),
    python: report.python,
    isolation:
      report.isolation === undefined
        ? null
        : {
            words: line(isolationWords(report.isolation), MESSAGE),
            lacks: report.isolation.lacks.slice(0, MOST).map((lack) => line(lack, MESSAGE)),
          },
    failing: cut(bad, MOST, (test) => ({
      id: line(test.id, CODE),
      outcome: test.outcome,
      message: line(test.message ?? '', MESSAGE),
      place: { file: test.file, line: test.line ?? null },
    })),
    integrity: cut(report.integrity, MOST, ({ severity, message, source, rule, range }) => ({
      severity,
      message: line(message, MESSAGE),
      rule: `${source} ${rule}`,
      place: { file: range.file, line: range.startLine },
    })),
    mutation: report.mutation === undefined ? null : plantedMistakes(report.mutation),
    conformance: report.conformance === undefined ? null : conformanceOf(report.conformance),
    codeSha256: report.codeSha256,
    testsSha256: report.testsSha256,
  };
}

function plantedMistakes(mutation: Mutation): NonNullable<Evidence['mutation']> {
  const { note, killRate, killed, survived, timedOut, notRun, candidates, mutants } = mutation;
  const unnoticed = mutants.filter(({ outcome }) => outcome === 'survived');
  return {
    note,
    killRate,
    killed,
    survived,
    timedOut,
    notRun,
    candidates,
    survivors: cut(unnoticed, MOST, ({ file, line: at, operator, before, after, handWritten }) => ({
      place: { file, line: at },
      operator,
      before: line(before, CODE),
      after: line(after, CODE),
      handWritten,
    })),
  };
}

function conformanceOf(
  conformance: NonNullable<TestReport['conformance']>,
): NonNullable<Evidence['conformance']> {
  const { note, passed, failed, notApplicable, broken, failures, advice } = conformance;
  return {
    note,
    passed,
    failed,
    notApplicable,
    broken,
    failures: cut(failures, MOST, checkRow),
    advice: cut(advice, MOST, checkRow),
  };
}

function checkRow({ id, title, problems }: FailedCheck): CheckRow {
  return {
    id,
    title: line(title, MESSAGE),
    problems: cut(problems, PROBLEMS, ({ message, file, line: at }) => ({
      message: line(message, MESSAGE),
      place: file === null ? null : { file, line: at },
    })),
  };
}

function cut<T, R>(all: readonly T[], most: number, row: (one: T) => R): Cut<R> {
  const shown = all.slice(0, most).map(row);
  return { shown, left: all.length - shown.length };
}

function line(text: string, limit: number): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > limit ? `${flat.slice(0, limit - 1)}…` : flat;
}
