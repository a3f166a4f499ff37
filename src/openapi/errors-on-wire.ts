/** `SourcewrightError`s as plain data, to cross the border of a thread whole. */
import { SourcewrightError, type ErrorCode } from '../errors.ts';

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly where: string | undefined;
  readonly place: string | undefined;
  readonly cure: string | undefined;
  readonly retry: boolean;
  /** Stack of our own mistakes, for the log. */
  readonly stack: string | undefined;
}

export function toPlainError(error: SourcewrightError): PlainError {
  const { code, message, where, place, cure, retry } = error;
  const origin = error.cause instanceof Error ? error.cause : error;
  return { code, message, where, place, cure, retry, stack: code === 'internal' ? origin.stack : undefined };
}

export function fromPlainError(plain: PlainError): SourcewrightError {
  const { code, message, where, place, cure, retry, stack } = plain;
  const details = { where, place, cure, retry };
  if (stack === undefined) return new SourcewrightError(code, message, details);
  const cause = new Error(message);
  cause.stack = stack;
  return new SourcewrightError(code, message, { ...details, cause });
}
