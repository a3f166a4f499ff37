/** The README's section about running a connector where people already work: Airbyte's tools, dlt, MCP clients. */
import type { Blueprint } from '../schema.ts';
import { code, fenced } from './documentation-markdown.ts';

/** Lines of the section. */
export function elsewhere(blueprint: Blueprint): string[] {
  const command = `source-${blueprint.name}`;
  const module = command.replaceAll('-', '_');
  const hasOperations = blueprint.operations.some((operation) => operation.selected);
  return [
    '## In other tools',
    '',
    `Install the package first (${code('pip install .')}); each optional extra brings what its tool needs.`,
    '',
    ...airbyte(command),
    '',
    ...dlt(module),
    ...(hasOperations ? ['', ...mcp(command)] : []),
  ];
}

function airbyte(command: string): string[] {
  return [
    '### PyAirbyte',
    '',
    ...fenced('python', [
      'import json',
      'from pathlib import Path',
      '',
      'import airbyte as ab',
      '',
      'config = json.loads(Path("config.json").read_text())',
      `source = ab.get_source("${command}", local_executable="${command}", config=config)`,
      'source.check()',
      'source.select_all_streams()',
      'result = source.read()',
    ]),
  ];
}

function dlt(module: string): string[] {
  return [
    '### dlt',
    '',
    ...fenced('sh', ["pip install '.[dlt]'"]),
    '',
    ...fenced('python', [
      'import json',
      'from pathlib import Path',
      '',
      'import dlt',
      '',
      `from ${module}.dlt_source import source`,
      '',
      'config = json.loads(Path("config.json").read_text())',
      `pipeline = dlt.pipeline("${module}", destination="duckdb")`,
      'pipeline.run(source(config))',
    ]),
  ];
}

function mcp(command: string): string[] {
  return [
    '### MCP',
    '',
    'The operations of the agent face as tools, over standard input and output:',
    '',
    ...fenced('sh', ["pip install '.[mcp]'", `${command} mcp --config config.json`]),
  ];
}
