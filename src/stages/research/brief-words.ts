/** Words that all parts of the notes share. */
import type { Evidence, Fact, FieldPath, Paging } from '../../blueprint/schema.ts';
import { code, plain } from './markdown.ts';

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

export function pathText(path: FieldPath): string {
  return path.length === 0 ? '(root)' : path.join('.');
}

export function pagingWords(paging: Paging): string {
  const size =
    paging.kind !== 'none' && paging.sizeParam !== undefined
      ? `, ${code(paging.sizeParam)}${paging.pageSize === undefined ? '' : `=${paging.pageSize}`}`
      : '';
  switch (paging.kind) {
    case 'none':
      return 'none';
    case 'page':
      return `page number ${code(paging.pageParam)} from ${paging.startPage}${size}`;
    case 'offset':
      return `offset ${code(paging.offsetParam)}${size}`;
    case 'cursor': {
      const from = paging.nextPath ?? paging.lastRecordField ?? [];
      const where = paging.nextPath === undefined ? 'last row' : 'answer';
      return `cursor ${code(paging.cursorParam)} from ${code(pathText(from))} of the ${where}${size}`;
    }
    case 'next_url':
      return `next URL at ${code(pathText(paging.nextPath))}${size}`;
    case 'link':
      return `Link header${size}`;
  }
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

export const FACTS: Readonly<Record<Fact['fact'], string>> = {
  auth: 'sign-in',
  base_url: 'base URL',
  rate_limit: 'rate limit',
  stream: 'stream',
  record_path: 'rows',
  primary_key: 'key',
  paging: 'paging',
  parent: 'parent',
  incremental: 'incremental',
  schema: 'schema',
  operation: 'operation',
};

export function evidenceWords(evidence: Evidence): string {
  const place = [evidence.document, evidence.pointer].filter((part) => part !== undefined).join('#');
  const quote = evidence.quote === undefined ? '' : ` “${plain(evidence.quote, 100)}”`;
  const source = evidence.source === 'description' ? '' : `${evidence.source} `;
  return `${source}${place === '' ? '' : code(place, 240)}${quote}`.trim();
}
