/** A planted defect: a small mistake in a compiled connector, of the kind that connectors are published with. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a defect spoils. */
export type DefectKind =
  | 'paging'
  | 'limits'
  | 'errors'
  | 'credentials'
  | 'secrets'
  | 'incremental'
  | 'children'
  | 'rows'
  | 'protocol'
  | 'agent face';

/** One change of a file below `src/`. */
export interface Edit {
  readonly file: string;
  /** Must stand in the file; its first occurrence is replaced. */
  readonly find: string;
  readonly replace: string;
}

export interface Defect extends Edit {
  /** Its id. */
  readonly name: string;
  readonly kind: DefectKind;
  /** The mistake in words: what the connector does wrongly. */
  readonly words: string;
  /** The connector that it is planted into, by the name of its blueprint. */
  readonly connector: string;
  /** Further changes, where one alone would not run. */
  readonly also?: readonly Edit[];
  /** Generated test that is known to fail with it, as pytest names it. It is only run first, to save time. */
  readonly killer?: string;
}

/** Copies a connector and plants a defect into the copy. Throws where the code no longer holds what is looked for. */
export async function plant(defect: Defect, connectorDir: string, copy: string): Promise<void> {
  await rm(copy, { recursive: true, force: true });
  await mkdir(dirname(copy), { recursive: true });
  await cp(connectorDir, copy, { recursive: true });
  for (const { file, find, replace } of [defect, ...(defect.also ?? [])]) {
    const path = join(copy, 'src', file);
    const before = await readFile(path, 'utf8').catch(() => '');
    if (!before.includes(find)) throw new Error(`src/${file} no longer holds: ${find}`);
    await writeFile(
      path,
      before.replace(find, () => replace),
    );
  }
}
