/** What is open where there is no description: every fact but what streams are made of, until a claim answers it. */
import type { Gap, Stream } from '../../../blueprint/schema.ts';

export function docsGaps(streams: readonly Stream[]): Gap[] {
  const gap = (stream: string | null, fact: Gap['fact'], question: string, assumed: string): Gap => ({
    id: `${fact}:${stream ?? 'api'}`,
    stream,
    fact,
    question,
    assumed,
    options: [],
  });
  return [
    gap(
      null,
      'base_url',
      'Which base URL does the connector use?',
      'None: base_url must be set in the configuration.',
    ),
    gap(null, 'auth', 'How does the connector authenticate?', 'Not at all.'),
    gap(
      null,
      'rate_limit',
      'How often may the API be called?',
      'As the answers say: 429 and Retry-After are obeyed.',
    ),
    ...streams.flatMap((stream) => [
      ...(stream.recordShape === 'single'
        ? []
        : [
            gap(
              stream.name,
              'primary_key',
              `Which fields tell one row of ${stream.name} from all others?`,
              'None: rows are not deduplicated.',
            ),
            gap(stream.name, 'paging', `How does GET ${stream.path} page?`, 'One request gives all rows.'),
          ]),
    ]),
  ];
}
