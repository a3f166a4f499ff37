/** Schemas of rows that belong to no description, read as those of descriptions are: broken parts passed over, bounded. */
import type { JsonSchema, OutputColumn } from '../blueprint/schema.ts';
import { SourcewrightError } from '../errors.ts';
import { buildDescription } from './build.ts';
import { columnsOf, rowSchema } from './rules/schemas.ts';
import { SchemaReader } from './rules/schema-view.ts';

export interface PlainRow {
  /** As a blueprint holds it, free of references. */
  readonly schema: JsonSchema;
  /** The columns of a table of such rows. */
  columns(primaryKey: readonly (readonly string[])[]): OutputColumn[];
}

/** Rows by name. A schema that can't be used at all is missing in what comes back. */
export async function readPlainRows(
  schemas: Readonly<Record<string, JsonSchema>>,
): Promise<Map<string, PlainRow>> {
  const document = {
    openapi: '3.1.0',
    info: { title: '', version: '' },
    paths: { '/': {} },
    components: { schemas },
  };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const description = await buildDescription({ bytes, location: '/rows.json' }, nothingElse);
  const reader = new SchemaReader(description);
  const rows = new Map<string, PlainRow>();
  for (const [name, value] of Object.entries(description.document.components.schemas ?? {})) {
    const view = reader.view({ value, pointer: `/components/schemas/${name}` });
    rows.set(name, {
      schema: rowSchema(view, reader),
      columns: (primaryKey) => columnsOf(view, reader, primaryKey),
    });
  }
  return rows;
}

function nothingElse(location: string): Promise<never> {
  return Promise.reject(
    new SourcewrightError('input', 'Schemas of rows refer to nothing else.', { where: location }),
  );
}
