/** The last step: which streams, where the description was read. */
import { QuickPickItemKind, type QuickPickItem } from 'vscode';
import type { Gap, Stream } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { frame, type Answers } from './answers.ts';
import { pickStep, type Leave } from './quick-steps.ts';
import { t } from '../l10n.ts';

export async function askStreams(answers: Answers): Promise<Leave | undefined> {
  const { blueprint } = answers;
  // Not known before the research: the sensible ones are taken.
  if (blueprint === undefined) return undefined;
  type StreamItem = QuickPickItem & { readonly stream?: Stream };
  const item = (stream: Stream): StreamItem => streamItem(stream, blueprint.gaps);
  const suggested = blueprint.streams.filter((stream) => stream.selected);
  const others = blueprint.streams.filter((stream) => !stream.selected);
  const section = (label: string): StreamItem => ({ label, kind: QuickPickItemKind.Separator });
  return pickStep<StreamItem, undefined>({
    ...frame(4, t('streams of {0}', blueprint.api.title)),
    placeholder: t(
      '{0} streams found, {1} suggested. Type to filter, Enter to start',
      blueprint.streams.length,
      suggested.length,
    ),
    items: [
      ...(suggested.length > 0 ? [section(t('suggested')), ...suggested.map(item)] : []),
      ...(others.length > 0 ? [section(t('more')), ...others.map(item)] : []),
    ],
    many: true,
    picked: ({ stream }) =>
      stream !== undefined && (answers.streams?.includes(stream.name) ?? stream.selected),
    accept: (chosen) => {
      const streams = chosen.flatMap(({ stream }) => (stream === undefined ? [] : [stream.name]));
      if (streams.length === 0) {
        throw new SourcewrightError('input', 'Pick at least one stream.', {
          cure: 'Tick those that the connector should read.',
        });
      }
      answers.streams = streams;
      return undefined;
    },
  });
}

function streamItem(stream: Stream, gaps: readonly Gap[]): QuickPickItem & { readonly stream: Stream } {
  const questions = gaps.filter((gap) => gap.stream === stream.name).length;
  const facts = [
    stream.paging.kind === 'none' ? t('one page') : t('paged by {0}', stream.paging.kind.replace('_', ' ')),
    stream.primaryKey.length === 0
      ? t('no key known')
      : t('key {0}', stream.primaryKey.map((path) => path.join('.')).join(' + ')),
    stream.incremental === undefined ? '' : t('incremental by {0}', stream.incremental.cursorField.join('.')),
    stream.parent === undefined ? '' : t('for each of {0}', stream.parent.stream),
    questions === 0 ? '' : questions === 1 ? t('1 open question') : t('{0} open questions', questions),
    stream.omittedBecause ?? '',
  ];
  return {
    label: stream.name,
    description: `${stream.method} ${stream.path}`,
    detail: facts.filter((fact) => fact !== '').join(' · '),
    stream,
  };
}
