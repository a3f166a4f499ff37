import type { Finding } from '../../../../src/pipeline/contracts.ts';

/** A finding on one line with an exact suggestion. */
export function suggested(file: string, line: number, before: string, after: string): Finding {
  const range = { file, startLine: line, endLine: line };
  return {
    id: `${file}:${line}`,
    rule: 'R',
    source: 'ruff',
    severity: 'warning',
    category: 'style',
    message: 'm',
    range,
    excerpt: before,
    suggestion: { range, before, after, title: 't' },
  };
}
