/** The review panel: findings, gravest first, each with its answers; filtered and answered without leaving the page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { keep, kept as readKept } from '../common/editor.ts';
import { mount, type PanelProperties } from '../common/mount.tsx';
import { Button, FailureNote } from '../common/parts.tsx';
import { ReviewModel } from './contract.ts';
import { type Draft, Kept, matching, NOTHING_KEPT, openDrafts } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { FindingItem, send } from './finding.tsx';

/** Findings on the page at first, and more with each press. */
const PAGE = 25;

function ReviewPanel({ model, failure }: PanelProperties<ReviewModel>) {
  const [kept, setKept] = useState<Kept>(() => readKept(Kept) ?? NOTHING_KEPT);
  const [shown, setShown] = useState(PAGE);
  const list = useRef<HTMLOListElement>(null);
  /** Place in the list of what was answered last, until the list without it is drawn. */
  const answeredAt = useRef<number | undefined>(undefined);
  const change = (next: Kept): void => {
    setKept(next);
    keep(next);
  };
  const drafts = failure === null ? openDrafts(kept.drafts, model) : unsent(kept.drafts);
  const rows = matching(model.findings, kept.filter);
  const setDraft = (id: string, draft: Draft | undefined): void => {
    const { [id]: _, ...others } = drafts;
    change({ ...kept, drafts: draft === undefined ? others : { ...others, [id]: draft } });
  };
  useEffect(() => {
    // The row with the focus may be gone now: those who work by keys go on where it was.
    const at = answeredAt.current;
    if (at === undefined || document.activeElement !== document.body) return;
    answeredAt.current = undefined;
    const items = list.current?.children;
    const next = items?.item(Math.min(at, items.length - 1));
    if (next instanceof HTMLElement) next.focus();
  });
  return (
    <>
      <h1>{model.title}</h1>
      <p>{model.state}</p>
      <FailureNote failure={failure} />
      {model.problem === '' ? null : <p role="note">{model.problem}</p>}
      <Summary model={model} />
      <h2>Findings</h2>
      <FilterBar
        findings={model.findings}
        filter={kept.filter}
        onChange={(filter) => {
          setShown(PAGE);
          change({ ...kept, filter });
        }}
      />
      {model.canAnswer && model.kinds.length > 0 ? <Kinds model={model} /> : null}
      <p role="status" class="review-quiet">
        {countText(rows.length, model)}
      </p>
      <ol class="review-list" ref={list}>
        {rows.slice(0, shown).map((row, at) => (
          <FindingItem
            key={row.id}
            row={row}
            canAnswer={model.canAnswer}
            draft={drafts[row.id]}
            setDraft={(draft) => {
              setDraft(row.id, draft);
            }}
            onAnswer={() => {
              answeredAt.current = at;
            }}
          />
        ))}
      </ol>
      {rows.length <= shown ? null : (
        <Button
          onPress={() => {
            setShown(shown + PAGE);
          }}
        >
          {`Show ${Math.min(PAGE, rows.length - shown)} more`}
        </Button>
      )}
    </>
  );
}

function Summary({ model: { open, answered, finish } }: { readonly model: ReviewModel }) {
  const parts = [counted(open.error, 'error'), counted(open.warning, 'warning'), counted(open.info, 'note')];
  return (
    <section class="review-summary" aria-label="Where the review stands">
      <p>
        <strong>{`Open: ${parts.join(', ')}.`}</strong> {`Answered: ${answered}.`}
      </p>
      {finish === null ? null : (
        <p>
          <Button
            kind="primary"
            onPress={() => {
              send({ type: 'finish' });
            }}
          >
            {finish.label}
          </Button>{' '}
          {finish.next}
        </p>
      )}
    </section>
  );
}

function Kinds({ model: { kinds } }: { readonly model: ReviewModel }) {
  return (
    <details class="review-kinds">
      <summary>Accept all of a kind</summary>
      <ul>
        {kinds.map(({ rule, open }) => (
          <li key={rule}>
            <Button
              onPress={() => {
                send({ type: 'acceptKind', rule });
              }}
            >
              {`Accept all ${open} of ${rule}`}
            </Button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function unsent(drafts: Kept['drafts']): Kept['drafts'] {
  return Object.fromEntries(Object.entries(drafts).map(([id, draft]) => [id, { ...draft, sentAfter: null }]));
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function countText(matched: number, { findings, more }: ReviewModel): string {
  const listed = `${matched} of ${counted(findings.length, 'finding')}`;
  return more === 0 ? listed : `${listed}; ${more} more are not in this list: answer some, or use the editor`;
}

mount(ReviewModel, ReviewPanel);
