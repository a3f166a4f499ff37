/** `brief.md`: the notes of the research for a person, every claim with what it rests on. */
import type { Auth, Blueprint, Fact, Gap, Stream } from '../../blueprint/schema.ts';
import type { Brief } from '../../pipeline/contracts.ts';
import { agentSections, madeBy } from './brief-agent.ts';
import { count, evidenceWords, FACTS, pagingWords, pathText, percent } from './brief-words.ts';
import { code, plain, table } from './markdown.ts';

export { pagingWords, pathText } from './brief-words.ts';

/** What the notes tell beside the brief itself. */
export interface BriefNotes {
  /** How the description was found, where it was not given itself. */
  readonly found?: string | undefined;
  /** Words of the person's or the review's that rules can't act on. */
  readonly feedback?: string | undefined;
  /** Corrections of the person's that were applied, in words. */
  readonly corrections: readonly string[];
  /** Why no probe was made though it was asked for, or how it ended early. */
  readonly probe?: string | undefined;
  /** What the research agent could not find out, in its words. */
  readonly openQuestions?: readonly string[] | undefined;
}

/** Streams and operations whose facts are told one by one; beyond that, brief.json has them. */
const MAX_DETAILED = 200;

export function briefMarkdown(brief: Brief, notes: BriefNotes): string {
  const { blueprint } = brief;
  const lines = [
    ...heading(brief, notes),
    ...feedbackSection(brief, notes),
    ...agentSections(brief, notes.openQuestions ?? []),
    ...connection(blueprint),
    ...streamSection(blueprint),
    ...questions(brief),
    ...probeSection(brief, notes),
    ...factSection(blueprint),
    ...problemSection(blueprint),
    ...omissions(blueprint),
    ...howToCorrect(blueprint),
  ];
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

function heading(brief: Brief, notes: BriefNotes): string[] {
  const { blueprint } = brief;
  const { api, source, streams, gaps, problems } = blueprint;
  const selected = streams.filter((stream) => stream.selected).length;
  return [
    `# Brief: ${plain(api.title, 120)}`,
    '',
    `${madeBy(brief)} The connector is ${code(`source-${blueprint.name}`)}.`,
    '',
    ...(api.description === undefined ? [] : [`> ${plain(api.description, 800)}`, '']),
    sourceLine(source),
    ...(notes.found === undefined ? [] : [`- How it was found: ${plain(notes.found, 500)}`]),
    ...(api.version === '' ? [] : [`- Version of the API: ${plain(api.version, 60)}`]),
    ...(api.licence === undefined ? [] : [`- Licence of the description: ${plain(api.licence, 80)}`]),
    ...(api.docsUrl === undefined ? [] : [`- Documentation: ${code(api.docsUrl)}`]),
    `- Streams: ${selected} of ${streams.length} selected; ${count(gaps.length, 'open question')}; ${count(problems.length, 'problem')} in the description`,
    '',
  ];
}

function sourceLine({ location, format, bytes, sha256 }: Blueprint['source']): string {
  if (format === 'docs') return `- Source: ${code(location)} (${FORMATS.docs})`;
  return `- Description: ${code(location)} (${FORMATS[format]}, ${Math.ceil(bytes / 1024)} KB, SHA-256 ${code(sha256.slice(0, 12))})`;
}

const FORMATS: Readonly<Record<Blueprint['source']['format'], string>> = {
  'openapi-3.0': 'OpenAPI 3.0',
  'openapi-3.1': 'OpenAPI 3.1',
  blueprint: 'a blueprint written by hand',
  docs: 'documentation only, no description',
  'swagger-2.0': 'Swagger 2.0',
};

function feedbackSection(brief: Brief, notes: BriefNotes): string[] {
  const lines: string[] = [];
  if (notes.feedback !== undefined) {
    lines.push('## What you asked for', '', `> ${plain(notes.feedback, 2000)}`, '');
    if (brief.agent === undefined) {
      lines.push(
        'Rules do not understand words, so this changed nothing by itself. Say it as a correction (see the end of these notes), or run the engine `agents`.',
        '',
      );
    }
  }
  if (notes.corrections.length > 0) {
    lines.push('## Your corrections', '', ...notes.corrections.map((text) => `- ${plain(text, 300)}`), '');
  }
  return lines;
}

function connection(blueprint: Blueprint): string[] {
  const { baseUrl, serverVariables, auth, headers, rateLimit } = blueprint;
  const lines = ['## Connecting', '', `- Base URL: ${code(baseUrl)}`];
  for (const variable of serverVariables) {
    const fallback = variable.default === undefined ? 'no default' : `default ${code(variable.default)}`;
    lines.push(
      `- ${code(`{${variable.name}}`)} comes from the setting ${code(variable.configKey)} (${fallback})`,
    );
  }
  for (const header of headers)
    lines.push(`- Every request carries ${code(`${header.name}: ${header.value}`)}`);
  lines.push(`- ${rateLimitWords(rateLimit)}`, '', '### Signing in', '');
  for (const [index, option] of auth.entries()) {
    const standard = index === 0 && auth.length > 1 ? ' (default)' : '';
    lines.push(`- ${code(option.name)}${standard}: ${option.parts.map(authWords).join('; and ')}`);
  }
  return [...lines, ''];
}

function rateLimitWords(limit: Blueprint['rateLimit']): string {
  const parts: string[] = [];
  if (limit.requests !== undefined) {
    parts.push(`${limit.requests} requests in ${limit.windowSeconds ?? '?'} seconds`);
  }
  const headers = [limit.remainingHeader, limit.resetHeader, limit.retryAfterHeader].filter(
    (name) => name !== undefined,
  );
  if (headers.length > 0) parts.push(`told by ${headers.map((name) => code(name)).join(', ')}`);
  if (limit.documents429) parts.push('status 429 is documented');
  return parts.length === 0 ? 'Rate limit: not documented' : `Rate limit: ${parts.join('; ')}`;
}

function authWords(auth: Auth): string {
  switch (auth.kind) {
    case 'none':
      return 'no sign-in';
    case 'api_key':
      return `a key in the ${auth.in} ${code(auth.name)}${auth.prefix === '' ? '' : ` after ${code(auth.prefix)}`}`;
    case 'bearer':
      return 'a bearer token';
    case 'basic':
      return `user name and password (HTTP Basic)${auth.passwordRequired ? '' : ', the password may be empty'}`;
    case 'oauth2_client_credentials':
      return `OAuth 2.0 client credentials at ${code(auth.tokenUrl)}${scopes(auth.scopes)}`;
    case 'oauth2_refresh_token':
      return `OAuth 2.0 with a refresh token at ${code(auth.tokenUrl)}${scopes(auth.scopes)}`;
    case 'jwt_bearer':
      return auth.tokenUrl === undefined
        ? `a token that the connector signs itself (${auth.algorithm})`
        : `a signed statement (${auth.algorithm}) exchanged at ${code(auth.tokenUrl)}${scopes(auth.scopes)}`;
    case 'session':
      return `a session that begins at ${code(auth.loginUrl)}, sent in the ${auth.sentIn} ${code(auth.name)}`;
    case 'hmac':
      return `requests signed with a secret (HMAC, ${auth.algorithm})`;
  }
}

function scopes(list: readonly string[]): string {
  return list.length === 0
    ? ''
    : ` with scopes ${list
        .slice(0, 20)
        .map((scope) => code(scope))
        .join(' ')}`;
}

function streamSection(blueprint: Blueprint): string[] {
  const facts = new Map<string, Fact[]>();
  for (const fact of blueprint.facts) {
    if (fact.subject === null || fact.fact === 'operation') continue;
    facts.set(fact.subject, [...(facts.get(fact.subject) ?? []), fact]);
  }
  const rows = blueprint.streams
    .filter((stream) => stream.selected)
    .map((stream) => [
      code(stream.name),
      code(`${stream.method} ${stream.path}`),
      `${code(pathText(stream.recordPath))}${stream.recordShape === 'list' ? '' : ` (${stream.recordShape})`}`,
      stream.primaryKey.map((key) => code(key.join('.'))).join(' + '),
      pagingWords(stream.paging),
      incrementalWords(stream),
      stream.parent === undefined ? '' : code(stream.parent.stream),
      lowest(facts.get(stream.name) ?? []),
    ]);
  const head = ['Stream', 'Request', 'Rows at', 'Key', 'Paging', 'Incremental by', 'Parent', 'Least sure'];
  const columns = [
    '"Rows at" is the path in the answer (`(root)` = the answer itself). "Least sure" is the fact of the stream that is most likely to be wrong, with the share of such facts that proved right where the rules were measured.',
    '',
  ];
  return ['## Streams', '', ...columns, ...table(head, rows)];
}

function incrementalWords(stream: Stream): string {
  const { incremental } = stream;
  if (incremental === undefined) return '';
  const filter = incremental.param === undefined ? 'filtered here' : `filter ${code(incremental.param)}`;
  return `${code(incremental.cursorField.join('.'))} (${filter}${incremental.required ? ', required' : ''})`;
}

function lowest(facts: readonly Fact[]): string {
  const [least] = [...facts]
    .filter((fact) => fact.status !== 'struck')
    .sort((a, b) => a.confidence - b.confidence);
  return least === undefined ? '' : `${FACTS[least.fact]} ${percent(least.confidence)}`;
}

function questions({ blueprint, agent }: Brief): string[] {
  const { gaps } = blueprint;
  if (gaps.length === 0) {
    const none =
      agent === undefined
        ? 'None: the description answered everything the rules ask.'
        : 'None is left. What nobody has confirmed stands above.';
    return ['## Open questions', '', none, ''];
  }
  const selected = new Set(
    blueprint.streams.filter((stream) => stream.selected).map((stream) => stream.name),
  );
  const pressing = gaps.filter((gap) => gap.stream === null || selected.has(gap.stream));
  const rest = gaps.length - pressing.length;
  return [
    '## Open questions',
    '',
    `What ${blueprint.source.format === 'docs' ? 'nobody has told' : 'the description does not say'}. Until a question is answered, the connector does what stands under "meanwhile".`,
    '',
    ...pressing.slice(0, MAX_DETAILED).flatMap(question),
    ...(pressing.length > MAX_DETAILED
      ? [`- … and ${pressing.length - MAX_DETAILED} more in \`brief.json\`.`]
      : []),
    ...(rest > 0
      ? [`- ${count(rest, 'question')} about streams that are not selected: see \`brief.json\`.`]
      : []),
    '',
  ];
}

function question(gap: Gap): string[] {
  const subject = gap.stream === null ? 'The API' : code(gap.stream);
  const options = gap.options.map(
    (option) => `${plain(option.label, 80)}: ${code(JSON.stringify(option.value), 400)}`,
  );
  return [
    `- ${subject}, ${FACTS[gap.fact]}: **${plain(gap.question, 400)}**`,
    `  - meanwhile: ${plain(gap.assumed, 300)}`,
    ...(gap.pointer === undefined ? [] : [`  - at ${code(gap.pointer)}`]),
    ...(options.length === 0 ? [] : [`  - could be: ${options.slice(0, 8).join('; ')}`]),
  ];
}

function probeSection(brief: Brief, notes: BriefNotes): string[] {
  if (brief.probes.length === 0 && notes.probe === undefined) return [];
  const rows = brief.probes.map((probe) => [
    code(probe.stream),
    code(probe.url),
    String(probe.status),
    probe.rows === null ? '' : String(probe.rows),
    plain(probe.observation, 300),
    plain(probe.at, 40),
  ]);
  return [
    '## Seen at the API itself',
    '',
    ...(notes.probe === undefined ? [] : [plain(notes.probe, 400), '']),
    ...(rows.length === 0 ? [] : ['Only shapes are noted; no value of any row is kept.', '']),
    ...table(['Stream', 'Request', 'Status', 'Rows', 'Seen', 'At'], rows),
  ];
}

function factSection(blueprint: Blueprint): string[] {
  const shown = new Set(
    [...blueprint.streams, ...blueprint.operations].filter((one) => one.selected).map((one) => one.name),
  );
  const facts = blueprint.facts.filter((fact) => fact.subject === null || shown.has(fact.subject));
  const subjects = [...new Set(facts.map((fact) => fact.subject))].slice(0, MAX_DETAILED + 1);
  const lines = ['## Facts and what they rest on', ''];
  for (const subject of subjects) {
    const rows = facts
      .filter((fact) => fact.subject === subject)
      .map((fact) => [
        FACTS[fact.fact],
        plain(fact.value, 160),
        percent(fact.confidence),
        fact.status === 'found' ? '' : fact.status,
        plain(fact.rule, 80),
        fact.evidence.slice(0, 4).map(evidenceWords).join('; '),
      ]);
    lines.push(`### ${subject === null ? 'The API' : code(subject)}`, '');
    lines.push(...table(['Fact', 'Value', 'Sure', 'Status', 'Rule', 'Evidence'], rows));
  }
  const rest = blueprint.facts.length - facts.length;
  if (rest > 0) lines.push(`${count(rest, 'fact')} about what is not selected: see \`brief.json\`.`, '');
  return lines;
}

function problemSection(blueprint: Blueprint): string[] {
  const { problems } = blueprint;
  if (problems.length === 0) return [];
  const rows = problems
    .slice(0, MAX_DETAILED)
    .map(({ severity, document, pointer, message }) => [
      severity,
      plain(message, 300),
      code(document === blueprint.source.location ? pointer : `${document}#${pointer}`, 240),
    ]);
  return [
    '## Problems in the description',
    '',
    'Passed over, so that the rest could be read.',
    '',
    ...table(['Severity', 'Problem', 'Place'], rows),
    ...(problems.length > MAX_DETAILED
      ? [`… and ${problems.length - MAX_DETAILED} more in \`brief.json\`.`, '']
      : []),
  ];
}

function omissions(blueprint: Blueprint): string[] {
  const reasons = new Map<string, string[]>();
  for (const stream of blueprint.streams) {
    if (stream.selected) continue;
    const reason = stream.omittedBecause ?? 'not selected';
    reasons.set(reason, [...(reasons.get(reason) ?? []), stream.name]);
  }
  const operations = blueprint.operations.filter((operation) => operation.selected).length;
  const lines = ['## Left out', ''];
  for (const [reason, names] of reasons) {
    const listed = names.slice(0, MAX_DETAILED).map((name) => code(name));
    const more = names.length > listed.length ? ` … and ${names.length - listed.length} more` : '';
    lines.push(`- ${plain(reason, 200)} (${names.length}): ${listed.join(', ')}${more}`);
  }
  if (reasons.size === 0) lines.push('- No stream was left out.');
  lines.push(
    `- Operations for LLMs: ${operations} of ${blueprint.operations.length} selected.`,
    '- Requests that change data are never part of a connector.',
    '',
  );
  return lines;
}

function howToCorrect(blueprint: Blueprint): string[] {
  const example = blueprint.streams.find((stream) => stream.selected)?.name ?? 'a_stream';
  const corrections = [
    { stream: example, fact: 'primary_key', value: ['id'] },
    { stream: example, fact: 'record_path', value: ['data', 'items'] },
    {
      stream: example,
      fact: 'paging',
      value: { kind: 'page', pageParam: 'page', sizeParam: 'per_page', pageSize: 100 },
    },
    { stream: null, fact: 'base_url', value: 'https://api.example.com/v1' },
  ].map((correction) => `  ${JSON.stringify(correction)}`);
  return [
    '## To correct something',
    '',
    'Write `corrections.json` beside these notes, then ask for changes at the gate *research* (or give the same list as your words there):',
    '',
    '```json',
    '[',
    corrections.join(',\n'),
    ']',
    '```',
    '',
    'Values have the form that `brief.json` shows under `blueprint`. A correction counts more than anything found here, and answers its question.',
    '',
  ];
}
