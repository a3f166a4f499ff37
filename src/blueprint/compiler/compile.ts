/**
 * Compiles a blueprint into a complete connector: from the template's files only the parts that the blueprint switches
 * on, and beside them the declarations that are this API's own. The same blueprint gives the same bytes.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SourcewrightError } from '../../errors.ts';
import type { Blueprint } from '../schema.ts';
import { emitAgentFace } from './agent-face.ts';
import { airbyteFiles } from './airbyte-files.ts';
import { configModule } from './configuration.ts';
import { emitDocumentation } from './documentation.ts';
import { features, generatedStreams } from './features.ts';
import { fixtures } from './fixtures.ts';
import { pruneImports } from './imports.ts';
import { developmentRequirements, GITIGNORE, packageInit, pyproject, requirements } from './project.ts';
import { apiModule, recordSchema, streamsModule } from './streams.ts';
import { holds, selectFeatures } from './template.ts';

export interface CompiledFile {
  /** Relative to the connector's folder, with forward slashes. */
  readonly path: string;
  readonly content: string;
}

/** Template files that a connector needs only with some features; all others it always has. */
const ONLY_WITH: Readonly<Record<string, string>> = {
  'src/incremental.py': 'incremental',
  'src/matrix.py': 'shape.table|operations.table',
  'src/mcp_server.py': 'operations',
  'src/recursion.py': 'parents.recursive',
  'src/signing.py': 'auth.hmac',
  'src/state.py': 'incremental',
  'src/tokens.py': 'auth.fetched',
  'tests/test_incremental.py': 'incremental',
  'tests/test_matrix.py': 'shape.table',
  'tests/test_operation_rules.py': 'operations',
  'tests/test_operations.py': 'operations',
  'tests/test_recursion.py': 'parents.recursive',
  'tests/test_resuming.py': 'resumable',
  'tests/test_table_operations.py': 'operations.table',
};

/**
 * Pure but for reading the template. Throws `input` where the blueprint has no stream to generate, `environment`
 * where the template can't be read.
 */
export function compileConnector(blueprint: Blueprint, options: { templateDir: string }): CompiledFile[] {
  const streams = generatedStreams(blueprint);
  if (streams.length === 0) {
    throw new SourcewrightError('input', 'No stream is picked, so there is nothing to generate.', {
      where: blueprint.source.location,
      cure: 'Pick at least one stream.',
    });
  }
  const wanted = features(blueprint);
  const files: CompiledFile[] = [
    ...templateFiles(options.templateDir, wanted),
    { path: 'src/__init__.py', content: packageInit(blueprint) },
    { path: 'src/api.py', content: apiModule(blueprint) },
    { path: 'src/config.py', content: configModule(blueprint) },
    { path: 'src/streams.py', content: streamsModule(blueprint) },
    { path: 'src/py.typed', content: '' },
    { path: 'pyproject.toml', content: pyproject(blueprint) },
    { path: 'requirements.txt', content: requirements(wanted) },
    { path: 'requirements-dev.txt', content: developmentRequirements() },
    { path: '.gitignore', content: GITIGNORE },
    ...streams.map((stream) => ({
      path: `src/schemas/${stream.name}.json`,
      content: json(recordSchema(stream, streams)),
    })),
    ...fixtures(blueprint, streams),
    ...emitAgentFace(blueprint),
    ...emitDocumentation(blueprint),
    ...airbyteFiles(blueprint),
  ];
  return unique(files);
}

function templateFiles(dir: string, wanted: ReadonlySet<string>): CompiledFile[] {
  let names: string[];
  try {
    names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  } catch (cause) {
    throw new SourcewrightError('environment', 'The connector template can’t be read.', {
      where: dir,
      cause,
    });
  }
  return names
    .filter(
      (name) => name.endsWith('.py') && (ONLY_WITH[name] === undefined || holds(ONLY_WITH[name], wanted)),
    )
    .map((path) => ({
      path,
      content: pruneImports(selectFeatures(readFileSync(join(dir, path), 'utf8'), wanted, path)),
    }));
}

/** Sorted by path; a later file replaces an earlier one of the same path. */
function unique(files: readonly CompiledFile[]): CompiledFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** JSON as it is written to disk. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
