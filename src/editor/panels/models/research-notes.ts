/** The notes beside the claims: what the API is, what an agent wrote, what has problems. All of it is text. */
import type { Evidence } from '../../../blueprint/schema.ts';
import { rateLimitText } from '../../../openapi/rules/questions.ts';
import type { Brief } from '../../../pipeline/contracts.ts';
import { madeBy } from '../../../stages/research/brief-agent.ts';
import type { Notes } from '../../../webview/research/contract.ts';
import { hasFile } from './research-claims.ts';
import { cut, sourceOf } from './research-words.ts';

const MOST_ITEMS = 50;
const LONGEST_SUMMARY = 20_000;

type Section = Notes['sections'][number];

export function notesOf(brief: Brief): Notes {
  const { api } = brief.blueprint;
  return {
    about: about(brief).map(([name, text]): [string, string] => [name, cut(text, 500)]),
    description: cut(api.description ?? '', 2000),
    summary: cut(brief.agent?.summary ?? '', LONGEST_SUMMARY),
    sections: sections(brief).filter(({ items }) => items.length > 0),
  };
}

function about(brief: Brief): [string, string][] {
  const { api, source, baseUrl, serverVariables, headers, auth, rateLimit, name } = brief.blueprint;
  const rows: [string, string | undefined][] = [
    ['Made', madeBy(brief)],
    ['Connector', `source-${name}`],
    ['Source', `${source.location} (${source.format})`],
    ['Version', api.version === '' ? undefined : api.version],
    ['Documentation', api.docsUrl],
    ['Licence', api.licence],
    ['Base URL', baseUrl],
    ...serverVariables.map((one): [string, string] => [`{${one.name}}`, `from the setting ${one.configKey}`]),
    ['Sign-in', auth.map(({ parts }) => parts.map(({ kind }) => kind).join(' and ')).join(', or ')],
    ['Headers', headers.map((header) => `${header.name}: ${header.value}`).join(', ') || undefined],
    ['Rate limit', rateLimitText(rateLimit)],
  ];
  return rows.flatMap(([key, text]): [string, string][] => (text === undefined ? [] : [[key, text]]));
}

function sections({ blueprint, agent, probes }: Brief): Section[] {
  const isFile = hasFile(blueprint);
  const at = (url: string, quote?: string): Evidence => ({
    source: 'docs',
    document: url,
    ...(quote === undefined ? {} : { quote }),
  });
  return [
    section('To be written by hand', agent?.beyond ?? [], ({ stream, what, url, quote }) => ({
      text: `${stream ?? 'The API'}: ${what}`,
      source: sourceOf(at(url, quote), isFile),
    })),
    section('Claims that did not hold', agent?.struck ?? [], ({ claim, because }) => ({
      text: `${claim}: ${because}`,
      source: null,
    })),
    section('Existing connectors', agent?.existingConnectors ?? [], ({ name, url, note }) => ({
      text: `${name}: ${note}`,
      source: sourceOf(at(url), isFile),
    })),
    section('Documents that were read', agent?.documents ?? [], ({ url, at: when }) => ({
      text: `Read ${when}`,
      source: sourceOf(at(url), isFile),
    })),
    section('Seen at the API', probes, ({ stream, url, status, observation }) => ({
      text: `${stream}: ${observation} (${status}, ${url})`,
      source: null,
    })),
    section(
      'Problems in the description',
      blueprint.problems,
      ({ severity, message, document, pointer }) => ({
        text: `${severity === 'error' ? 'Error' : 'Warning'}: ${message}`,
        source: sourceOf(
          document === blueprint.source.location
            ? { source: 'description', pointer }
            : { source: 'description', document, pointer },
          isFile,
        ),
      }),
    ),
  ];
}

function section<T>(
  title: string,
  list: readonly T[],
  itemOf: (one: T) => Section['items'][number],
): Section {
  const items = list.slice(0, MOST_ITEMS).map((one) => {
    const { text, source } = itemOf(one);
    return { text: cut(text, 600), source };
  });
  return { title, items, more: list.length - items.length };
}
