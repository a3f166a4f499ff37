/** mypy's answers, one JSON object per line, as findings. */
import { z } from 'zod';
import type { ToolResult } from '../../python/tools.ts';
import type { FindingDraft } from '../findings.ts';

const Line = z.object({
  file: z.string(),
  line: z.number(),
  message: z.string(),
  hint: z.string().nullish(),
  code: z.string().nullish(),
  severity: z.string(),
});

/** Rules that a missing stub file sets off; they are not about the connector's code. */
const ABOUT_STUBS = new Set(['import-untyped', 'import-not-found']);

export function mypyFindings(result: ToolResult): FindingDraft[] {
  const drafts: FindingDraft[] = [];
  for (const text of result.stdout.split('\n')) {
    if (!text.startsWith('{')) continue;
    let parsed;
    try {
      parsed = Line.safeParse(JSON.parse(text));
    } catch {
      continue;
    }
    if (!parsed.success || parsed.data.severity !== 'error') continue;
    const { file, line, message, hint, code } = parsed.data;
    drafts.push({
      rule: `mypy-${code ?? 'error'}`,
      source: 'mypy',
      severity: ABOUT_STUBS.has(code ?? '') ? 'info' : 'warning',
      category: 'correctness',
      message: hint === null || hint === undefined ? message : `${message} (${hint})`,
      file: file.replaceAll('\\', '/'),
      startLine: Math.max(1, line),
    });
  }
  return drafts;
}
