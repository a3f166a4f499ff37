/** The brief as notes to read: what the API is, what an agent wrote about it, what has problems. */
import type { Notes, Source } from './contract.ts';
import { type Block, blocksOf, type Inline, inlines } from './notes.ts';
import { send } from './send.tsx';

export function NotesView({ notes }: { readonly notes: Notes }) {
  return (
    <section class="research-notes" aria-labelledby="notes-heading">
      <h2 id="notes-heading">Notes</h2>
      {notes.description === '' ? null : <blockquote>{notes.description}</blockquote>}
      <dl>
        {notes.about.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {notes.summary === '' ? null : (
        <>
          <h3>The agent’s notes</h3>
          <p class="research-quiet">
            Written by a model. What it claims is confirmed only where that is said.
          </p>
          {blocksOf(notes.summary).map((block, index) => (
            <BlockView key={index} block={block} />
          ))}
        </>
      )}
      {notes.sections.map(({ title, items, more }) => (
        <details key={title}>
          <summary>
            {title} ({items.length + more})
          </summary>
          <ul>
            {items.map(({ text, source }, index) => (
              <li key={index}>
                {text} {source === null ? null : <SourceView source={source} />}
              </li>
            ))}
            {more === 0 ? null : <li>… and {more} more in brief.json</li>}
          </ul>
        </details>
      ))}
    </section>
  );
}

function BlockView({ block }: { readonly block: Block }) {
  switch (block.kind) {
    case 'heading':
      return (
        <h4>
          <Inlines content={block.content} />
        </h4>
      );
    case 'paragraph':
      return (
        <p>
          <Inlines content={block.content} />
        </p>
      );
    case 'code':
      return (
        <pre tabIndex={0}>
          <code>{block.text}</code>
        </pre>
      );
    case 'list': {
      const items = block.items.map((content, index) => (
        <li key={index}>
          <Inlines content={content} />
        </li>
      ));
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function Inlines({ content }: { readonly content: readonly Inline[] }) {
  return <>{content.map((part, index) => inlineView(part, index))}</>;
}

function inlineView(part: Inline, key: number) {
  if (part.kind === 'code') return <code key={key}>{part.text}</code>;
  if (part.kind === 'strong') return <strong key={key}>{part.text}</strong>;
  if (part.kind === 'text') return part.text;
  return (
    <a key={key} href={part.url}>
      {part.text}
    </a>
  );
}

/** Text of the rules: backticks and addresses as in notes. */
export function Words({ text }: { readonly text: string }) {
  return <Inlines content={inlines(text)} />;
}

/** Where a claim comes from; a place in a file can be opened. */
export function SourceView({ source }: { readonly source: Source }) {
  const { from, place, named, url, quote } = source;
  return (
    <span class="research-source">
      {from}
      {place === null ? null : (
        <>
          {' '}
          <button
            type="button"
            class="research-link"
            aria-label={`Open the description at ${place.pointer}`}
            onClick={() => {
              send({ type: 'open', ...place });
            }}
          >
            {place.document === null ? place.pointer : `${place.document}#${place.pointer}`}
          </button>
        </>
      )}
      {url === null ? null : (
        <>
          {' '}
          <a href={url}>{url}</a>
        </>
      )}
      {named === null ? null : (
        <>
          {' '}
          <code>{named}</code>
        </>
      )}
      {quote === null ? null : <q>{quote}</q>}
    </span>
  );
}
