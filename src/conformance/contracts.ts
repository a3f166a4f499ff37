/** What the conformance suite reports of a connector, as `python -m conformance` writes it. */
import { z } from 'zod';

export const ConformanceFace = z.enum(['data', 'agent', 'package']);
export type ConformanceFace = z.infer<typeof ConformanceFace>;

/** `broken`: the check itself failed, so nothing is known of the connector. */
export const CheckStatus = z.enum(['passed', 'failed', 'not_applicable', 'broken']);
export type CheckStatus = z.infer<typeof CheckStatus>;

export const ConformanceProblem = z.object({
  message: z.string(),
  /** Below the connector's folder, with forward slashes; null where no file is to blame. */
  file: z.string().nullable(),
  /** Counts from 1. */
  line: z.number().int().positive().nullable(),
  /** Worth knowing, but no reason to fail. */
  note: z.boolean(),
});
export type ConformanceProblem = z.infer<typeof ConformanceProblem>;

export const CheckOutcome = z.object({
  /** Stable name: `data.keys-are-unique`. */
  id: z.string(),
  face: ConformanceFace,
  /** The requirement as a sentence. */
  title: z.string(),
  /** Numbers of the rules of the agent face that it checks. */
  rules: z.array(z.number().int()),
  status: CheckStatus,
  problems: z.array(ConformanceProblem),
  seconds: z.number().nonnegative(),
  /** Why it was not applicable or broke. */
  reason: z.string().nullable(),
});
export type CheckOutcome = z.infer<typeof CheckOutcome>;

export const ConformanceReport = z.object({
  schemaVersion: z.literal(1),
  /** Name of the connector's folder. */
  connector: z.string(),
  /** `passed` only where no check failed or broke, and at least one passed. */
  verdict: z.enum(['passed', 'failed']),
  passed: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  notApplicable: z.number().int().nonnegative(),
  broken: z.number().int().nonnegative(),
  seconds: z.number().nonnegative(),
  checks: z.array(CheckOutcome),
});
export type ConformanceReport = z.infer<typeof ConformanceReport>;

/** A check that a connector fails, as a test report keeps it. */
export const FailedCheck = CheckOutcome.pick({ id: true, title: true }).extend({
  /** Without notes; at most the first few. */
  problems: z.array(ConformanceProblem.omit({ note: true })),
});
export type FailedCheck = z.infer<typeof FailedCheck>;

/** What the suite made of a connector whose own tests pass, in short. */
export const Conformance = z.object({
  /** Why nothing or less than everything can be said; null where all went well. */
  note: z.string().nullable(),
  passed: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  notApplicable: z.number().int().nonnegative(),
  /** Checks that failed themselves: they say nothing of the connector. */
  broken: z.number().int().nonnegative(),
  seconds: z.number().nonnegative(),
  failures: z.array(FailedCheck),
  /** Checks of the agent face that failed. They are told, and are no failure of the connector. */
  advice: z.array(FailedCheck).default([]),
});
export type Conformance = z.infer<typeof Conformance>;
