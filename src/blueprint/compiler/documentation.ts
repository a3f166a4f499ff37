/** Emits the documents that come with a connector: README, IMPLEMENTATION, CHANGELOG and metadata. Deterministic. */
import type { Blueprint } from '../schema.ts';
import type { CompiledFile } from './compile.ts';
import { implementationNotes } from './documentation-implementation.ts';
import { code, counted, text } from './documentation-markdown.ts';
import { metadata } from './documentation-metadata.ts';
import { generatedStreams } from './features.ts';
import { readme } from './documentation-readme.ts';

/** Files relative to the connector's folder. */
export function emitDocumentation(blueprint: Blueprint): CompiledFile[] {
  return [
    { path: 'README.md', content: readme(blueprint) },
    { path: 'IMPLEMENTATION.md', content: implementationNotes(blueprint) },
    { path: 'CHANGELOG.md', content: changelog(blueprint) },
    { path: 'metadata.yaml', content: metadata(blueprint) },
  ];
}

function changelog(blueprint: Blueprint): string {
  const streams = generatedStreams(blueprint);
  const operations = blueprint.operations.filter((operation) => operation.selected);
  return `${[
    '# Changelog',
    '',
    '## 0.1.0',
    '',
    `First version, compiled from the description of ${text(blueprint.api.title)}, version ${text(blueprint.api.version)}.`,
    '',
    `- ${counted(streams.length, 'stream')}${streams.length > 0 ? `: ${streams.map((stream) => code(stream.name)).join(', ')}` : ''}.`,
    `- ${counted(operations.length, 'operation')} for language models.`,
  ].join('\n')}\n`;
}
