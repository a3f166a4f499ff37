/** A stream as one line, so that an expectation reads at a glance and a difference shows at once. */
import type { Blueprint, Paging, Stream } from '../../../../src/blueprint/schema.ts';

/** `* name path | rows | key | paging | since field<-param | under parent param=field | ?facts with a gap`. */
export function lineOf(blueprint: Blueprint, stream: Stream): string {
  const rows = stream.recordPath.length === 0 ? '/' : stream.recordPath.join('.');
  const shape = stream.recordShape === 'list' ? '' : ` (${stream.recordShape})`;
  const key = stream.primaryKey.map((path) => path.join('.')).join('+') || '-';
  const parts = [
    `${stream.selected ? '*' : ' '} ${stream.name} ${stream.path}`,
    `${rows}${shape}`,
    key,
    pagingOf(stream.paging),
  ];
  const { incremental, parent } = stream;
  if (incremental !== undefined) {
    const end = incremental.endParam === undefined ? '' : `..${incremental.endParam}`;
    parts.push(
      `since ${incremental.cursorField.join('.')}<-${incremental.param ?? ''}${end} ${incremental.paramFormat ?? ''}`,
    );
  }
  if (parent !== undefined) {
    const from = parent.parameters.map(
      (link) =>
        `${link.name}=${link.from.kind === 'record' ? link.from.field.join('.') : `~${link.from.parameter}`}`,
    );
    parts.push(`under ${parent.stream} ${from.join(' ')}`);
  }
  const asked = blueprint.gaps.filter((gap) => gap.stream === stream.name).map((gap) => gap.fact);
  if (asked.length > 0) parts.push(`? ${[...new Set(asked)].sort().join(' ')}`);
  return parts.join(' | ');
}

function pagingOf(paging: Paging): string {
  if (paging.kind === 'none') return 'none';
  const size = paging.sizeParam === undefined ? '' : ` ${paging.sizeParam}=${String(paging.pageSize ?? '')}`;
  switch (paging.kind) {
    case 'page':
      return `page ${paging.pageParam} from ${String(paging.startPage)}${size}`;
    case 'offset':
      return `offset ${paging.offsetParam}${size}`;
    case 'cursor':
      return `cursor ${paging.cursorParam}<-${(paging.nextPath ?? ['last row', ...(paging.lastRecordField ?? [])]).join('.')}${size}`;
    case 'next_url':
      return `url ${paging.nextPath.join('.')}${size}`;
    case 'link':
      return `link${size}`;
  }
}
