/**
 * What the research agent answers. Made of what structured outputs can say: closed objects, few unions; a value whose form
 * depends on its fact is JSON in a string, in the blueprint's own form, and is parsed with the schemas of corrections.
 */
import { z } from 'zod';

/** The facts of a blueprint that a claim may be about. */
export const ClaimFact = z.enum([
  'auth',
  'base_url',
  'rate_limit',
  'stream',
  'record_path',
  'schema',
  'primary_key',
  'paging',
  'parent',
  'incremental',
]);
export type ClaimFact = z.infer<typeof ClaimFact>;

/** Where it stands: the URL of a document of this conversation, and words copied from it. */
const source = {
  url: z.string().describe('Address of the document, as it was read; "person" for words of the person.'),
  quote: z.string().describe('Words copied from it exactly, at least 12 characters.'),
};
const Source = z.object(source);

export const Claim = z.object({
  stream: z.string().nullable().describe('Name of the stream; null for the API as a whole.'),
  fact: ClaimFact,
  value: z.string().describe('JSON, in the form that the options and the task show.'),
  ...source,
  confidence: z.number().describe('0 to 1.'),
});
export type Claim = z.infer<typeof Claim>;

export const ClaimedStream = z.object({
  name: z.string().describe('snake_case'),
  title: z.string(),
  path: z.string().describe('Below the base URL: /workspaces/{workspace_id}/tasks'),
  method: z.enum(['GET']),
  recordPath: z.string().describe('Where the rows stand in the answer, with dots; "" = the answer itself.'),
  recordShape: z.enum(['list', 'map', 'single']),
  primaryKey: z.array(z.string()).describe('Fields of a row, with dots; [] = not known.'),
  rowSchema: z.string().describe('JSON Schema of one row, as JSON.'),
  parameters: z.array(
    z.object({
      name: z.string(),
      in: z.enum(['path', 'query', 'header']),
      type: z.enum(['string', 'integer', 'number', 'boolean', 'array']),
      required: z.boolean(),
      value: z.string().nullable().describe('A constant to send always; null = none.'),
    }),
  ),
  paging: z.string().describe('JSON.'),
  incremental: z.string().nullable().describe('JSON; null = none.'),
  parent: z.string().nullable().describe('JSON; null = none.'),
  ...source,
});
export type ClaimedStream = z.infer<typeof ClaimedStream>;

export const ClaimedApi = z.object({
  title: z.string(),
  version: z.string(),
  docsUrl: z.string(),
  baseUrl: z.string(),
  baseUrlFrom: Source,
  auth: z.string().describe('JSON: a list of ways to sign in.'),
  authFrom: Source,
});
export type ClaimedApi = z.infer<typeof ClaimedApi>;

export const Beyond = z.object({
  stream: z.string().nullable(),
  what: z.string(),
  ...source,
});

export const ResearchAnswer = z.object({
  summary: z.string().describe('Notes for the person: Markdown, at most 20 lines.'),
  claims: z.array(Claim),
  streams: z.array(ClaimedStream).describe('Only where there is no description; else [].'),
  api: ClaimedApi.nullable().describe('Only where there is no description; else null.'),
  beyond: z.array(Beyond).describe('What the blueprint has no place for and must be written by hand.'),
  existingConnectors: z.array(z.object({ name: z.string(), url: z.string(), note: z.string() })),
  withdrawn: z
    .array(z.object({ stream: z.string().nullable(), fact: ClaimFact }))
    .describe('Earlier claims that no longer hold and have no better value.'),
  openQuestions: z.array(z.string()).describe('What could not be found out.'),
});
export type ResearchAnswer = z.infer<typeof ResearchAnswer>;

/** What is answered where the description is given: half of the schema, which each request carries, has no use then. */
export const FillingAnswer = ResearchAnswer.omit({ streams: true, api: true });

/** An answer of either form as a whole one. */
export function wholeAnswer(answer: z.infer<typeof FillingAnswer> & Partial<ResearchAnswer>): ResearchAnswer {
  return { streams: [], api: null, ...answer };
}

/** What of an answer was not taken over. */
export interface Struck {
  readonly claim: string;
  readonly because: string;
}
