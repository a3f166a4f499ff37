/** Reads what coverage.py measured. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const CoverageFile = z.object({
  totals: z.object({ num_statements: z.number(), percent_covered: z.number() }),
});

/** Percentage of lines that ran, to one decimal; null when it was not measured or can't be read. */
export async function readCoverage(path: string): Promise<number | null> {
  try {
    const { totals } = CoverageFile.parse(JSON.parse(await readFile(path, 'utf8')));
    return totals.num_statements === 0 ? null : Math.round(totals.percent_covered * 10) / 10;
  } catch {
    return null;
  }
}
