/** Real descriptions, as a development dependency ships them: each is read, and every claim points at what it rests on. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import yaml from 'js-yaml';
import { SourcewrightError } from '../../../src/errors.ts';
import { pointerSegments } from '../../../src/openapi/description.ts';
import { researchDescription } from '../../../src/openapi/research.ts';

const ROOT = dirname(createRequire(import.meta.url).resolve('@readme/oas-examples/package.json'));

function examples(): string[] {
  return ['2.0', '3.0', '3.1'].flatMap((version) =>
    ['json', 'yaml'].flatMap((syntax) => {
      const folder = join(ROOT, version, syntax);
      return readdirSync(folder)
        .sort()
        .map((name) => join(folder, name));
    }),
  );
}

function at(root: unknown, pointer: string): unknown {
  return pointerSegments(pointer).reduce<unknown>(
    (value, segment) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[segment] : undefined,
    root,
  );
}

describe('real descriptions', () => {
  for (const path of examples()) {
    it(`${path.slice(ROOT.length + 1)} is read, and its evidence stands where it says`, async () => {
      let blueprint;
      try {
        blueprint = await researchDescription(path);
      } catch (error) {
        assert.ok(error instanceof SourcewrightError && error.code === 'input', String(error));
        return;
      }
      const original = yaml.load(readFileSync(path, 'utf8'), { json: true });
      const pointers = [
        ...blueprint.facts.flatMap(({ evidence }) =>
          evidence.filter(({ document }) => document === undefined).map(({ pointer }) => pointer),
        ),
        ...blueprint.gaps.map(({ pointer }) => pointer),
        ...blueprint.streams.map(({ pointer }) => pointer),
        ...blueprint.problems.map(({ pointer }) => pointer),
      ];
      for (const pointer of pointers) {
        // A schema that was made from an example is told by places that only the made schema has.
        const place = pointer?.replace(/(\/examples?(\/[^/]+)?)\/properties\/.*$/, '$1');
        if (place !== undefined) assert.notEqual(at(original, place), undefined, place);
      }
    });
  }
});
