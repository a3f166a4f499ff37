/** Facts and gaps of one stream: what was found with its evidence, and as a question whatever is weak or missing. */
import type { Blueprint, Paging, Stream } from '../../blueprint/schema.ts';
import { type Ledger, SURE } from './ledger.ts';
import type { StreamDraft } from './streams.ts';
import { shorten } from './words.ts';

const path = (parts: readonly string[]): string => (parts.length === 0 ? 'the body itself' : parts.join('.'));

/** Paging in words. */
export function pagingText(paging: Paging): string {
  switch (paging.kind) {
    case 'none':
      return 'no paging';
    case 'page':
      return `page number in ${paging.pageParam}, from ${String(paging.startPage)}${sizeText(paging)}`;
    case 'offset':
      return `offset in ${paging.offsetParam}${sizeText(paging)}`;
    case 'cursor':
      return paging.nextPath === undefined
        ? `cursor in ${paging.cursorParam}, ${path(paging.lastRecordField ?? [])} of the last row${sizeText(paging)}`
        : `cursor in ${paging.cursorParam} from ${path(paging.nextPath)}${sizeText(paging)}`;
    case 'next_url':
      return `URL of the next page at ${path(paging.nextPath)}${sizeText(paging)}`;
    case 'link':
      return `Link header${sizeText(paging)}`;
  }
}

/** A limit in words. */
export function rateLimitText(limit: Blueprint['rateLimit']): string {
  const { requests, windowSeconds, retryAfterHeader, remainingHeader, resetHeader } = limit;
  const headers = [retryAfterHeader, remainingHeader, resetHeader].filter((name) => name !== undefined);
  const parts = [
    requests === undefined
      ? ''
      : `${requests} requests${windowSeconds === undefined ? '' : ` in ${windowSeconds} s`}`,
    headers.length === 0 ? '' : `told by ${headers.join(', ')}`,
  ].filter((part) => part !== '');
  return parts.join(', ') || 'no numbers; 429 and Retry-After are obeyed';
}

function sizeText(paging: { sizeParam?: string | undefined; pageSize?: number | undefined }): string {
  if (paging.sizeParam === undefined) return '';
  return `, ${paging.sizeParam}${paging.pageSize === undefined ? '' : `=${String(paging.pageSize)}`}`;
}

/** Writes down all that is known, and not known, of a stream. */
export function recordStream(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  recordRows(ledger, draft, stream);
  recordKey(ledger, draft, stream);
  recordPaging(ledger, draft, stream);
  recordParent(ledger, draft, stream);
  recordIncremental(ledger, draft, stream);
  recordSettings(ledger, draft, stream);
}

function recordRows(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  const { rows, endpoint } = draft;
  const subject = stream.name;
  ledger.fact({
    subject,
    fact: 'stream',
    value: `${endpoint.method} ${endpoint.path}`,
    confidence: draft.unseen ? 0.4 : rows.shape === 'single' ? 0.7 : Math.min(0.97, rows.confidence + 0.05),
    rule: rows.shape === 'single' ? 'single-object' : 'list-response',
    pointers: [endpoint.pointer],
    quote: endpoint.operationId ?? endpoint.summary,
  });
  ledger.fact({
    subject,
    fact: 'record_path',
    value: path(rows.recordPath),
    confidence: rows.confidence,
    rule: rows.rule,
    pointers: [rows.pointer],
    quote: rows.recordPath.join('.'),
  });
  ledger.fact({
    subject,
    fact: 'schema',
    value: rows.row.component ?? `${String(rows.row.properties.size)} fields`,
    confidence: draft.unseen ? 0.1 : endpoint.response?.inferred === true ? 0.6 : 0.9,
    rule: endpoint.response?.inferred === true ? 'inferred-from-example' : 'response-schema',
    pointers: [rows.row.pointer],
  });
  if (rows.confidence >= SURE) return;
  const options = [rows.recordPath, ...rows.others].map((one) => ({ label: path(one), value: [...one] }));
  ledger.gap({
    stream: subject,
    fact: 'record_path',
    question: draft.unseen
      ? `What does GET ${endpoint.path} answer, and where in it do the rows stand? The description does not show it.`
      : `Where in the answer of GET ${endpoint.path} do the rows stand?`,
    assumed: `The rows stand at ${path(rows.recordPath)}.`,
    pointer: rows.pointer,
    options,
  });
}

function recordKey(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  const { primaryKey, rows } = draft;
  if (rows.shape === 'single' && primaryKey.paths.length === 0) return;
  const named = primaryKey.paths.map(path).join(' + ');
  ledger.fact({
    subject: stream.name,
    fact: 'primary_key',
    value: named === '' ? 'none known' : named,
    confidence: primaryKey.confidence,
    rule: primaryKey.rule,
    pointers: [primaryKey.pointer],
    quote: named,
  });
  if (primaryKey.paths.length > 0 && primaryKey.confidence >= SURE) return;
  const choices = [...primaryKey.paths, ...primaryKey.others].map((one) => ({
    label: path(one),
    value: [[...one]],
  }));
  ledger.gap({
    stream: stream.name,
    fact: 'primary_key',
    question: `Which fields tell one row of ${stream.name} from all others?`,
    assumed: named === '' ? 'None: rows are not deduplicated.' : `${named} does.`,
    pointer: primaryKey.pointer,
    options: [...choices, { label: 'none', value: [] }],
  });
}

function recordPaging(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  const finding = draft.paging;
  ledger.fact({
    subject: stream.name,
    fact: 'paging',
    value: pagingText(finding.paging),
    confidence: finding.confidence,
    rule: finding.rule,
    pointers: finding.pointers,
    quote: finding.quote,
  });
  if (finding.confidence >= SURE && finding.doubts.length === 0) return;
  const doubts = finding.doubts.length > 0 ? finding.doubts.join('; ') : 'whether it pages';
  ledger.gap({
    stream: stream.name,
    fact: 'paging',
    question: `How does GET ${draft.endpoint.path} page? Not told: ${doubts}.`,
    assumed:
      finding.paging.kind === 'none'
        ? 'One request gives all rows.'
        : `It pages by ${pagingText(finding.paging)}.`,
    pointer: finding.pointers[0],
    options: [finding.paging, ...finding.alternatives]
      .slice(0, 4)
      .map((paging) => ({ label: pagingText(paging), value: paging })),
  });
}

function recordParent(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  const { parent } = draft;
  if (parent.parent === undefined && parent.unfilled.length === 0) return;
  const links = (parent.parent?.parameters ?? []).map((link) =>
    link.from.kind === 'record'
      ? `{${link.name}} ← ${path(link.from.field)}`
      : `{${link.name}} ← its own {${link.from.parameter}}`,
  );
  ledger.fact({
    subject: stream.name,
    fact: 'parent',
    value: parent.parent === undefined ? 'none found' : `${parent.parent.stream}: ${links.join(', ')}`,
    confidence: parent.confidence,
    rule: parent.rule,
    pointers: parent.pointers,
    quote: draft.endpoint.path,
  });
  for (const parameter of parent.unfilled) {
    const setting = stream.parameters.find((one) => one.in === 'path' && one.name === parameter.name);
    const told =
      setting?.value === undefined
        ? `The person gives it as the setting ${setting?.configKey ?? parameter.name}.`
        : `It is ${JSON.stringify(setting.value)}.`;
    ledger.gap({
      stream: stream.name,
      fact: 'parent',
      question: `Where do the values of {${parameter.name}} in ${draft.endpoint.path} come from? No list of the description supplies them.`,
      assumed: told,
      pointer: parameter.pointer,
      options: (setting?.enum ?? []).slice(0, 12).map((value) => ({ label: String(value), value })),
    });
  }
  if (parent.parent !== undefined && parent.confidence < SURE && parent.unfilled.length === 0) {
    ledger.gap({
      stream: stream.name,
      fact: 'parent',
      question: `Is ${stream.name} read once for each row of ${parent.parent.stream} (${links.join(', ')})? Not told: ${parent.doubts.join('; ') || 'which list supplies the path'}.`,
      assumed: `Yes, by ${links.join(', ')}.`,
      pointer: parent.pointers[0],
    });
  }
}

function recordIncremental(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  const finding = draft.incremental;
  if (draft.rows.shape === 'single') return;
  const { incremental } = finding;
  if (incremental !== undefined || finding.doubts.length > 0) {
    ledger.fact({
      subject: stream.name,
      fact: 'incremental',
      value:
        incremental === undefined
          ? 'none'
          : `${path(incremental.cursorField)} (${incremental.cursorFormat}), filtered by ${incremental.param ?? 'us'} (${incremental.paramFormat ?? incremental.cursorFormat})`,
      confidence: finding.confidence,
      rule: finding.rule,
      pointers: finding.pointers,
      quote: finding.quote,
    });
  }
  if (incremental !== undefined && finding.confidence >= SURE && finding.doubts.length === 0) return;
  const fields = finding.candidates.slice(0, 4);
  if (incremental === undefined && finding.doubts.length === 0 && fields.length === 0) return;
  const options = fields.map((field) => ({
    label: path(field),
    value: { cursorField: [...field], cursorFormat: 'date_time', required: false },
  }));
  ledger.gap({
    stream: stream.name,
    fact: 'incremental',
    question:
      incremental === undefined && finding.doubts.length === 0
        ? `Can ${stream.name} be read from where the last read ended? The description names no filter for ${fields.map(path).join(' or ')}.`
        : `How are only the new rows of ${stream.name} asked for? Not told: ${finding.doubts.join('; ') || 'which field the filter goes by'}.`,
    assumed:
      incremental === undefined
        ? 'Every read takes all rows.'
        : `${incremental.param ?? ''} filters by ${path(incremental.cursorField)}, inclusive.`,
    pointer: finding.pointers[0],
    options: incremental === undefined ? options : [{ label: finding.quote, value: incremental }, ...options],
  });
}

/** Required settings beside the path: asked for, never invented. */
function recordSettings(ledger: Ledger, draft: StreamDraft, stream: Stream): void {
  for (const parameter of stream.parameters) {
    if (
      !parameter.required ||
      parameter.in === 'path' ||
      parameter.configKey === undefined ||
      parameter.value !== undefined
    )
      continue;
    const written = draft.endpoint.parameters.find(
      (one) => one.name === parameter.name && one.in === parameter.in,
    );
    ledger.gap({
      stream: stream.name,
      fact: 'stream',
      question:
        `Which value shall ${parameter.name} have, which GET ${draft.endpoint.path} demands? ${shorten(parameter.description ?? '', 120)}`.trim(),
      assumed: `The person gives it as the setting ${parameter.configKey}.`,
      pointer: written?.pointer,
      options: (parameter.enum ?? []).slice(0, 12).map((value) => ({ label: String(value), value })),
    });
  }
}
