/**
 * What a person who read an API's documentation wrote down about how it really answers: the judge's own knowledge,
 * independent of anything that the rules infer. Each file in `apis/` holds one.
 */
import { z } from 'zod';

const Paging = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('page'),
    pageParam: z.string(),
    sizeParam: z.string(),
    first: z.number().default(1),
    /** Where the number of rows and of pages stands in the body, if anywhere. */
    totalPath: z.array(z.string()).optional(),
    totalPagesPath: z.array(z.string()).optional(),
    /** Sends an RFC 8288 `Link` header too. */
    link: z.boolean().default(false),
    /** Where the next page's URL stands in the body. */
    nextUrlPath: z.array(z.string()).optional(),
    /** What stands there on the last page. */
    end: z.enum(['absent', 'null', 'empty']).default('absent'),
    relativeNext: z.boolean().default(false),
  }),
  z.object({
    kind: z.literal('offset'),
    offsetParam: z.string(),
    sizeParam: z.string(),
    totalPath: z.array(z.string()).optional(),
    hasMorePath: z.array(z.string()).optional(),
    /** Where the next page's URL stands, and whether it is relative. */
    nextPath: z.array(z.string()).optional(),
    relativeNext: z.boolean().default(false),
  }),
  z.object({
    kind: z.literal('cursor'),
    cursorParam: z.string(),
    sizeParam: z.string(),
    /** Where the opaque cursor of the next page stands; absent = the key of the last row is the cursor. */
    nextPath: z.array(z.string()).optional(),
    hasMorePath: z.array(z.string()).optional(),
    /** Where the URL of the next page stands beside it. */
    nextUrlPath: z.array(z.string()).optional(),
    /** What stands at `nextPath` on the last page. */
    end: z.enum(['absent', 'null', 'empty']).default('absent'),
  }),
]);
export type TruePaging = z.infer<typeof Paging>;

const Resource = z.object({
  /** Path in the description, with its own `{parameters}`. */
  path: z.string(),
  /** Rows in all, or per parent. */
  rows: z.number(),
  key: z.array(z.string()).min(1),
  /** Where the rows stand in the body. */
  recordPath: z.array(z.string()),
  paging: Paging,
  defaultSize: z.number(),
  /** The API quietly answers at most so many rows, whatever was asked for. */
  maxSize: z.number(),
  /** The resource (by path) whose rows stand in the path or are asked for in the query, and which parameter takes which field. */
  parent: z
    .object({
      path: z.string(),
      parameter: z.string(),
      in: z.enum(['path', 'query']).default('path'),
      field: z.string(),
    })
    .optional(),
  /**
   * Field with the time of the last change, its format, and the query parameter that filters by it. `changes`: false for
   * the time of creation, which no later change moves. `newestFirst`: the API lists the youngest rows first.
   */
  updated: z
    .object({
      field: z.string(),
      format: z.enum(['iso', 'unix']),
      param: z.string().optional(),
      changes: z.boolean().default(true),
      newestFirst: z.boolean().default(false),
    })
    .optional(),
  /** The field in which a row says what it is (the description has it too), or null where rows have none. */
  label: z.string().nullable().default('name'),
  /** Further fields of every row; `{parent}` in a text stands for the parent's key, `{n}` for the number of the row. */
  fields: z.record(z.string(), z.unknown()).default({}),
  /** Where rows have more fields than a person writes down: all others are those of the description's own example. */
  exampleFields: z.boolean().default(false),
  /** What stands in every body beside the rows. */
  envelope: z.record(z.string(), z.unknown()).default({}),
  /** Rows wrapped in an object of this one key. */
  wrapper: z.string().optional(),
  idType: z.enum(['string', 'integer', 'uuid']).default('string'),
});
export type TrueResource = z.infer<typeof Resource>;

/** How an API says no. */
const Answer = z.object({
  status: z.number(),
  body: z.record(z.string(), z.unknown()),
  headers: z.record(z.string(), z.string()).default({}),
});
export type TrueAnswer = z.infer<typeof Answer>;

export const TrueApi = z.object({
  name: z.string(),
  /**
   * `npm:<package>/<path>` for a description that a development dependency ships, or a path below one of the folders of
   * descriptions.
   */
  description: z.string(),
  /** Path of the base URL on the server. */
  basePath: z.string(),
  auth: z.object({ in: z.enum(['header', 'query']), name: z.string(), value: z.string() }).nullable(),
  /** What a request without the right credentials gets, and one too many. */
  refusal: Answer.default({ status: 401, body: { message: 'unauthorized' }, headers: {} }),
  throttle: Answer.default({ status: 429, body: { message: 'slow down' }, headers: { 'retry-after': '0' } }),
  /** How a person signs in where the description doesn't say it. */
  signIn: z.enum(['bearer']).optional(),
  /** Config of the connector, with the credentials that make `auth`. */
  config: z.record(z.string(), z.unknown()),
  /** Fixed values for path parameters that no list supplies. */
  pathValues: z.record(z.string(), z.string()).default({}),
  resources: z.array(Resource),
});
export type TrueApi = z.infer<typeof TrueApi>;
