/** README.md of a connector: what it reads, how to install, configure and run it, from both faces. */
import type { AuthOption, Blueprint, Paging, Stream } from '../schema.ts';
import { planOperations } from './agent-face-plan.ts';
import { LINE_LENGTH, sentence } from './agent-face-python.ts';
import {
  asksForCredentials,
  configRows,
  exampleConfig,
  exampleCredentials,
  fieldsOf,
} from './documentation-config.ts';
import { elsewhere } from './documentation-elsewhere.ts';
import { code, counted, fenced, table, text } from './documentation-markdown.ts';
import { generatedStreams, recursion } from './features.ts';

/** The file's text. */
export function readme(blueprint: Blueprint): string {
  const parts = [
    introduction(blueprint),
    installation(blueprint),
    credentials(blueprint),
    configuration(blueprint),
    streams(blueprint),
    running(blueprint),
    agentFace(blueprint),
    elsewhere(blueprint),
    limits(blueprint),
    development(),
    licence(),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function introduction(blueprint: Blueprint): string[] {
  const { api } = blueprint;
  const name = `source-${blueprint.name}`;
  const docs =
    api.docsUrl !== undefined && /^https?:\/\/[^\s<>"'()]+$/.test(api.docsUrl)
      ? [`API documentation: <${api.docsUrl}>`]
      : [];
  return [
    `# ${name}`,
    '',
    `Reads data from ${text(api.title, 100)} (version ${text(api.version, 40)}). One connector with two faces:`,
    '',
    '- a *data face* for pipelines: it speaks the Airbyte protocol, with full and incremental reads and state;',
    '- an *agent face* for language models: one described, typed operation per task.',
    ...(api.description === undefined ? [] : ['', `> ${sentence(text(api.description, 400))}`]),
    ...(docs.length > 0 ? ['', ...docs] : []),
  ];
}

function installation(blueprint: Blueprint): string[] {
  return [
    '## Install',
    '',
    'Python 3.11 or newer. In place, from this folder:',
    '',
    ...fenced('sh', ['python -m venv .venv', '. .venv/bin/activate', 'pip install -r requirements.txt']),
    '',
    `Or as a package, which brings the command ${code(`source-${blueprint.name}`)}:`,
    '',
    ...fenced('sh', [
      'pip install .',
      "pip install '.[dataframes]'   # results of operations as pandas DataFrames",
    ]),
  ];
}

// ------------------------------------------------------------------------------------------------------ configuration

function credentials(blueprint: Blueprint): string[] {
  const options = blueprint.auth.filter(asksForCredentials);
  if (options.length === 0) return ['## Credentials', '', 'The API is read without credentials.'];
  const open =
    options.length < blueprint.auth.length ? ['', 'Parts of the API can also be read without.'] : [];
  return [
    '## Credentials',
    ...open,
    ...options.flatMap((option) => ['', ...credentialSteps(option, options.length > 1)]),
  ];
}

function credentialSteps(option: AuthOption, several: boolean): string[] {
  const steps = option.parts.flatMap((part): string[] => {
    switch (part.kind) {
      case 'none':
        return [];
      case 'api_key':
        return [
          'Sign in to the provider and create an API key (often under *Settings → API*), with read access only.',
        ];
      case 'bearer':
        return ['Sign in to the provider and create an access token, with read access only.'];
      case 'basic':
        return ['Take a user, or the pair of identifier and secret that the provider gives for its API.'];
      case 'oauth2_client_credentials':
        return [
          'Register an application with the provider and allow it the client credentials grant.',
          ...scopes(part.scopes),
          `Access tokens are fetched from ${code(part.tokenUrl)} and renewed by themselves.`,
        ];
      case 'oauth2_refresh_token':
        return [
          'Register an application with the provider.',
          ...scopes(part.scopes),
          part.authorizationUrl === undefined
            ? 'Let the person whose data is read consent once, and keep the refresh token that you get.'
            : `Let the person whose data is read consent once at ${code(part.authorizationUrl)}, exchange the code, and keep the refresh token.`,
          `Access tokens are fetched from ${code(part.tokenUrl)} and renewed by themselves.`,
        ];
      case 'jwt_bearer':
        return [
          'Create a service account (or an application of its own) with the provider, and a private key for it.',
          ...scopes(part.scopes),
          'Give the account access to the data that is to be read, with read access only.',
          part.tokenUrl === undefined
            ? 'The connector signs a new token by itself whenever one is needed.'
            : `Access tokens are fetched from ${code(part.tokenUrl)} and renewed by themselves.`,
        ];
      case 'session':
        return [
          'Take a user that may only read.',
          `The connector begins a session at ${code(part.loginUrl)} and begins another when the API ends it.`,
        ];
      case 'hmac':
        return ['Create an API key with its secret at the provider, with read access only.'];
    }
  });
  const fields = fieldsOf(option)
    .filter((field) => field.required)
    .map((field) => code(field.name));
  const all = [...steps, `Put ${fields.join(', ')} into ${code('credentials')} of the configuration:`];
  return [
    ...(several ? [`### With ${code(option.name)}`, ''] : []),
    ...all.map((step, index) => `${String(index + 1)}. ${step}`),
    '',
    ...fenced('json', JSON.stringify({ credentials: exampleCredentials(option) }, null, 2).split('\n')),
  ];
}

function scopes(names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`Give it the scopes ${names.map((name) => code(name)).join(', ')}.`];
}

function configuration(blueprint: Blueprint): string[] {
  return [
    '## Configuration',
    '',
    `A JSON file; ${code('spec')} prints its schema. Secrets never appear in logs, errors or results.`,
    '',
    ...table(['Property', 'Required', 'Secret', 'Meaning'], configRows(blueprint)),
    '',
    `A start, ${code('config.json')}:`,
    '',
    ...fenced('json', JSON.stringify(exampleConfig(blueprint), null, 2).split('\n')),
  ];
}

// ------------------------------------------------------------------------------------------------------------ streams

function streams(blueprint: Blueprint): string[] {
  const all = generatedStreams(blueprint);
  if (all.length === 0)
    return ['## Streams', '', 'None: the description has no list that can be read as a stream.'];
  const omitted = blueprint.streams.length - all.length;
  return [
    '## Streams',
    '',
    ...table(
      ['Stream', 'Request', 'Primary key', 'Cursor', 'Paging', 'Parent', 'Sync modes'],
      all.map((stream) => [
        code(stream.name),
        code(`${stream.method} ${stream.path}`),
        stream.primaryKey.map((path) => code(path.join('.'))).join(', ') || '—',
        cursor(stream),
        pagingName(stream.paging),
        stream.parent === undefined
          ? '—'
          : code(stream.parent.stream) + (recursion(stream) === undefined ? '' : ', itself'),
        stream.incremental === undefined ? 'full refresh' : 'full refresh, incremental',
      ]),
    ),
    ...(omitted > 0
      ? [
          '',
          `${String(omitted)} more ${omitted === 1 ? 'is' : 'are'} listed, with reasons, in [IMPLEMENTATION.md](IMPLEMENTATION.md).`,
        ]
      : []),
  ];
}

function cursor(stream: Stream): string {
  const { incremental } = stream;
  if (incremental === undefined) return '—';
  const by =
    incremental.param === undefined ? 'filtered by the connector' : `filter ${code(incremental.param)}`;
  return `${code(incremental.cursorField.join('.'))} (${by})`;
}

/** A way of paging in words. */
export function pagingName(paging: Paging): string {
  switch (paging.kind) {
    case 'none':
      return 'none';
    case 'page':
      return `page number ${code(paging.pageParam)}`;
    case 'offset':
      return `offset ${code(paging.offsetParam)}`;
    case 'cursor':
      return `cursor ${code(paging.cursorParam)}`;
    case 'next_url':
      return `next URL at ${code(paging.nextPath.join('.'))}`;
    case 'link':
      return `${code('Link')} header`;
  }
}

// ------------------------------------------------------------------------------------------------------------ running

function running(blueprint: Blueprint): string[] {
  const command = `source-${blueprint.name}`;
  const all = generatedStreams(blueprint);
  const first = all.find((stream) => stream.incremental !== undefined) ?? all[0];
  return [
    '## Data face',
    '',
    'On the command line, in place:',
    '',
    ...fenced('sh', [
      'python -m src spec',
      'python -m src check --config config.json',
      'python -m src discover --config config.json',
      'python -m src read --config config.json --catalog catalog.json',
      'python -m src read --config config.json --catalog catalog.json --state state.json',
    ]),
    '',
    `Installed, the same with ${code(command)} instead of ${code('python -m src')}. Messages of the Airbyte protocol stand on`,
    'standard output, one JSON object a line. Without a catalog every stream is read in full. A failed read ends with',
    'exit code 1, after the streams that could be read.',
    ...(first === undefined ? [] : pythonReading(first)),
  ];
}

function pythonReading(stream: Stream): string[] {
  const state = stream.incremental === undefined ? [] : stateWords(stream);
  return [
    '',
    `A catalog that reads ${code(stream.name)}:`,
    '',
    ...fenced('json', catalog(stream)),
    ...state,
    '',
    'From Python:',
    '',
    ...fenced('python', [
      'import asyncio',
      'import json',
      'from pathlib import Path',
      '',
      'from src import Config, Connector',
      '',
      '',
      'async def main() -> None:',
      '    connector = Connector(Config.model_validate(json.loads(Path("config.json").read_text())))',
      '    await connector.check()',
      `    async for record in connector.read("${stream.name}"):`,
      '        print(record)',
      '',
      '',
      'asyncio.run(main())',
    ]),
  ];
}

function stateWords(stream: Stream): string[] {
  const cursor = code(stream.incremental?.cursorField.join('.') ?? '');
  return [
    '',
    `An incremental read writes ${code('STATE')} messages. Save the last one of each stream, one or more, as a JSON list in`,
    `${code('state.json')}: the next read goes on from the greatest ${cursor} in it. Records of that very moment come again.`,
  ];
}

function catalog(stream: Stream): string[] {
  const incremental = stream.incremental !== undefined;
  const configured = {
    streams: [
      {
        stream: {
          name: stream.name,
          json_schema: {},
          supported_sync_modes: incremental ? ['full_refresh', 'incremental'] : ['full_refresh'],
        },
        sync_mode: incremental ? 'incremental' : 'full_refresh',
        destination_sync_mode: 'append',
      },
    ],
  };
  return JSON.stringify(configured, null, 2).split('\n');
}

function agentFace(blueprint: Blueprint): string[] {
  const planned = planOperations(blueprint);
  const first =
    planned.find((entry) => entry.fields.every((field) => !field.parameter.required)) ?? planned[0];
  if (first === undefined) return ['## Agent face', '', 'The description has no operation for it.'];
  const given = first.fields.filter((field) => field.parameter.required).map((field) => `${field.name}=...`);
  const limit = first.limitField === undefined ? [] : [`${first.limitField}=5`];
  return [
    '## Agent face',
    '',
    `${counted(planned.length, 'operation')}, each an async function with its own parameters. ${code('CONNECTORS.to_llm()')} describes them all`,
    'to a model: what each does, takes and returns, and which to call next.',
    '',
    ...fenced('python', [
      'import asyncio',
      'import json',
      'from pathlib import Path',
      '',
      'from src.client import ApiClient',
      'from src.config import Config',
      'from src.operations import CONNECTORS',
      '',
      'print(CONNECTORS.to_llm())',
      '',
      '',
      'async def main() -> None:',
      '    config = Config.model_validate(json.loads(Path("config.json").read_text()))',
      '    async with ApiClient(config) as client:',
      '        operations = CONNECTORS.bind_deps(client=client)',
      ...callLines(`        result = await operations["${first.name}"]`, [...given, ...limit]),
      '        print(result.row_count, result.provenance)',
      `        print(result.${first.operation.result === 'text' ? 'data' : 'rows'})`,
      '',
      '',
      'asyncio.run(main())',
    ]),
    '',
    `Installed, import from ${code(`source_${blueprint.name.replaceAll('-', '_')}`)} instead of ${code('src')}. With pandas, ${code('result.data')} is a DataFrame; without, it`,
    'holds plain rows. Credentials are handed over by `bind_deps` alone and never show up in results.',
    '',
    ...table(
      ['Operation', 'Kind', 'What it does'],
      planned.map((entry) => [
        code(entry.name),
        entry.operation.kind,
        text(entry.operation.summary, 120) || '—',
      ]),
    ),
  ];
}

function callLines(head: string, args: readonly string[]): string[] {
  const whole = `${head}(${args.join(', ')})`;
  return whole.length <= LINE_LENGTH
    ? [whole]
    : [`${head}(`, ...args.map((one) => `            ${one},`), '        )'];
}

function limits(blueprint: Blueprint): string[] {
  const { requests, windowSeconds } = blueprint.rateLimit;
  const known =
    requests === undefined || windowSeconds === undefined
      ? 'The description names no rate limit.'
      : `The API allows ${String(requests)} requests in ${String(windowSeconds)} seconds; the connector keeps within that.`;
  const gaps = blueprint.gaps.length;
  return [
    '## Limits',
    '',
    `- ${known} Answers of 429 with a wait of up to 60 seconds are waited for and retried three times; a longer wait means that a quota is used up, and the read stops with a message.`,
    '- Read only: nothing is ever written to the API.',
    ...(gaps > 0
      ? [
          `- ${counted(gaps, 'fact')} could not be told from the description and ${gaps === 1 ? 'is' : 'are'} assumed: see [IMPLEMENTATION.md](IMPLEMENTATION.md).`,
        ]
      : []),
  ];
}

function development(): string[] {
  return [
    '## Tests',
    '',
    ...fenced('sh', ['pip install -r requirements-dev.txt', 'pytest', 'ruff check .', 'mypy']),
    '',
    'They use no network: the API is played by a server inside the tests.',
  ];
}

function licence(): string[] {
  return [
    '## Licence',
    '',
    'This folder has no licence file: choose one and add it before you pass the connector on. The API itself has terms of',
    'its own.',
  ];
}
