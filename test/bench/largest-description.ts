/** Which description the benchmarks take where none is named. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SHIPPED = join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules/@readme/oas-examples/3.1/json/readme.json',
);

/** The largest `openapi.*` in a folder of the corpus that SOURCEWRIGHT_CORPUS names; else one that a dependency ships. */
export function largestDescription(corpus: string | undefined = process.env.SOURCEWRIGHT_CORPUS): string {
  if (corpus === undefined) return SHIPPED;
  const files = readdirSync(corpus, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => readdirSync(join(corpus, entry.name)).map((name) => join(corpus, entry.name, name)))
    .filter((path) => /openapi\.(json|ya?ml)$/.test(path))
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const [largest] = files;
  if (largest === undefined) throw new Error(`There is no openapi.json or openapi.yaml below ${corpus}.`);
  return largest;
}
