/** The research panel: the brief as notes beside the facts, each to be confirmed, corrected or struck. */
import { mount, type PanelProperties } from '../common/mount.tsx';
import { Button } from '../common/parts.tsx';
import { ClaimsView } from './claims-view.tsx';
import { ResearchModel } from './contract.ts';
import { DecisionBar } from './decision-bar.tsx';
import { NotesView } from './notes-view.tsx';
import { QuestionsView } from './questions-view.tsx';
import { send } from './send.tsx';
import { isRead, StreamsView } from './streams-view.tsx';

type BriefModel = NonNullable<ResearchModel['brief']>;

/** Streams whose claims are on the page at a time. */
const PAGE = 8;

function ResearchPanel({ model, failure }: PanelProperties<ResearchModel>) {
  const { title, standing, canAnswer, brief, drafts } = model;
  return (
    <>
      <h1>{title}</h1>
      <p role="status" class={canAnswer ? '' : 'research-readonly'}>
        {standing}
      </p>
      {drafts.damage === null ? null : (
        <p class="research-problem">
          {drafts.damage} Earlier drafts can’t be shown. With your next answer the file is put aside.
        </p>
      )}
      {brief === null ? null : (
        <div class="research-columns">
          <NotesView notes={brief.notes} />
          <div>
            <QuestionsView questions={brief.questions} more={brief.moreQuestions} canAnswer={canAnswer} />
            <StreamsView
              streams={brief.streams}
              reasons={brief.reasons}
              canAnswer={canAnswer}
              shown={brief.shown.map(({ stream }) => stream)}
            />
            <FactsView brief={brief} canAnswer={canAnswer} />
          </div>
        </div>
      )}
      <DecisionBar model={model} failure={failure} />
    </>
  );
}

function FactsView({ brief, canAnswer }: { readonly brief: BriefModel; readonly canAnswer: boolean }) {
  const read = brief.streams.filter(isRead).map(({ name }) => name);
  const first = read.indexOf(brief.shown[0]?.stream ?? '');
  const page = (from: number) => (): void => {
    send({ type: 'show', streams: read.slice(Math.max(0, from), Math.max(0, from) + PAGE) });
  };
  const isPaged = read.length > brief.shown.length;
  return (
    <section aria-labelledby="facts-heading">
      <h2 id="facts-heading">Facts</h2>
      <ClaimsView title="The API" claims={brief.claims} canAnswer={canAnswer} />
      {brief.shown.map(({ stream, claims }) => (
        <ClaimsView key={stream} title={stream} claims={claims} canAnswer={canAnswer} />
      ))}
      {isPaged ? (
        <div class="research-tools">
          <span role="status">{`Claims of ${brief.shown.length} of ${read.length} streams are shown.`}</span>
          <Button disabled={first <= 0} onPress={page(first - PAGE)}>
            Previous Streams
          </Button>
          <Button disabled={first + PAGE >= read.length} onPress={page(first < 0 ? 0 : first + PAGE)}>
            Next Streams
          </Button>
        </div>
      ) : null}
    </section>
  );
}

mount(ResearchModel, ResearchPanel);
