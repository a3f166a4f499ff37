/**
 * The blueprint: what Research hands to Generation, the machine's half of the brief. It holds plain values, so that
 * the compiler reads it directly; how sure each value is and what it rests on stands beside it in `facts`, keyed by
 * subject and fact, so that a person can approve, correct or strike each one.
 */
import { z } from 'zod';

/** A path into a JSON value, one segment per key: `['meta', 'next']`. Empty = the value itself. */
export const FieldPath = z.array(z.string());
export type FieldPath = z.infer<typeof FieldPath>;

/** A name valid as a Python identifier in snake_case, not a keyword. */
export const PythonName = z.string().regex(/^[a-z_][a-z0-9_]*$/);

export const ParameterLocation = z.enum(['path', 'query', 'header', 'cookie', 'body']);
export type ParameterLocation = z.infer<typeof ParameterLocation>;

export const ScalarType = z.enum(['string', 'integer', 'number', 'boolean', 'array', 'object']);
export type ScalarType = z.infer<typeof ScalarType>;

/** JSON Schema (2020-12 subset), `$ref`-free: circular schemas are cut to `{}` at the second visit. */
export type JsonSchema = { [key: string]: unknown };
export const JsonSchema: z.ZodType<JsonSchema> = z.record(z.string(), z.unknown());

// ---------------------------------------------------------------------------------------------------- authentication

export const Auth = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('api_key'),
    in: z.enum(['header', 'query', 'cookie']),
    /** Name of the header, query parameter or cookie. */
    name: z.string(),
    /** Text before the key in the value, with its blank: `Token token=` or `Bearer `. */
    prefix: z.string().default(''),
  }),
  z.object({ kind: z.literal('bearer') }),
  z.object({
    kind: z.literal('basic'),
    /** What the API calls the two halves; labels only ("Account SID", "Auth token"). */
    usernameLabel: z.string().optional(),
    passwordLabel: z.string().optional(),
    /** False where the API takes the key as user name with an empty password. */
    passwordRequired: z.boolean().default(true),
  }),
  z.object({
    kind: z.literal('oauth2_client_credentials'),
    tokenUrl: z.string(),
    scopes: z.array(z.string()).default([]),
    /** How the client authenticates at the token endpoint (RFC 6749 §2.3.1). */
    clientAuthentication: z.enum(['basic', 'body']).default('basic'),
  }),
  z.object({
    kind: z.literal('oauth2_refresh_token'),
    tokenUrl: z.string(),
    authorizationUrl: z.string().optional(),
    scopes: z.array(z.string()).default([]),
    clientAuthentication: z.enum(['basic', 'body']).default('body'),
  }),
  z.object({
    /** A signed statement of who asks (RFC 7523), as for service accounts. */
    kind: z.literal('jwt_bearer'),
    /** Where the statement is exchanged for an access token; absent = it is itself sent as the bearer token. */
    tokenUrl: z.string().optional(),
    algorithm: z.enum(['RS256', 'RS384', 'RS512', 'ES256', 'HS256', 'HS512']).default('RS256'),
    /** For whom the statement is meant; absent = the token URL. */
    audience: z.string().optional(),
    scopes: z.array(z.string()).default([]),
    /** What the API calls the issuer; a label only ("Client email", "App ID"). */
    issuerLabel: z.string().optional(),
    /** Seconds between the moment from which a statement is good and the moment at which it expires. */
    lifetimeSeconds: z.number().int().min(120).max(86_400).default(3600),
    /** Whether a key is named in the statement's header, and whether one asks on behalf of a person. */
    keyId: z.enum(['required', 'optional', 'none']).default('optional'),
    subject: z.enum(['required', 'optional', 'none']).default('optional'),
  }),
  z.object({
    /** A log-in with user name and password begins a session, which each request names. */
    kind: z.literal('session'),
    loginUrl: z.string(),
    encoding: z.enum(['json', 'form']).default('json'),
    usernameField: z.string().default('username'),
    passwordField: z.string().default('password'),
    /** What else the log-in sends. */
    fields: z.record(z.string(), z.string()).default({}),
    /** Where the answer has the session: in its body, or in a cookie that it sets. Exactly one of the two is set. */
    tokenPath: FieldPath.optional(),
    tokenCookie: z.string().optional(),
    /** How requests name the session. */
    sentIn: z.enum(['header', 'cookie']).default('header'),
    name: z.string().default('Authorization'),
    prefix: z.string().default(''),
    /** Seconds for which a session is good; absent = until the API refuses it. */
    lifetimeSeconds: z.number().int().positive().optional(),
  }),
  z.object({
    /** Every request is signed with a shared secret (RFC 2104). */
    kind: z.literal('hmac'),
    algorithm: z.enum(['sha1', 'sha256', 'sha512']).default('sha256'),
    /**
     * The text that is signed. `{key}`, `{method}`, `{host}`, `{path}`, `{query}`, `{path_and_query}`, `{body}`,
     * `{body_hash}`, `{timestamp}` and `{nonce}` are replaced.
     */
    message: z.string(),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    secretEncoding: z.enum(['text', 'base64', 'hex']).default('text'),
    timestampFormat: z.enum(['unix_seconds', 'unix_milliseconds', 'date_time']).default('unix_seconds'),
    /** What each request carries; in `value` the same names are replaced, and `{signature}`. */
    sent: z
      .array(z.object({ in: z.enum(['header', 'query']), name: z.string(), value: z.string() }))
      .min(1)
      .refine((sent) => sent.some(({ value }) => value.includes('{signature}')), {
        message: 'One of the values must hold {signature}.',
      }),
  }),
]);
export type Auth = z.infer<typeof Auth>;

/** One way to authenticate: every part is sent together (an OpenAPI security requirement object). */
export const AuthOption = z.object({ name: PythonName, parts: z.array(Auth).min(1) });
export type AuthOption = z.infer<typeof AuthOption>;

// ------------------------------------------------------------------------------------------------------------ paging

const pageSize = {
  /** Query parameter that sets the number of rows a page, and the value to send. */
  sizeParam: z.string().optional(),
  pageSize: z.number().int().positive().optional(),
};
/** Ends a read before an empty page; all optional, an empty page always ends it. */
const stop = {
  /** Boolean that says whether more follow. */
  hasMorePath: FieldPath.optional(),
  /** Number of rows in all. */
  totalPath: FieldPath.optional(),
  /** Number of pages in all. */
  totalPagesPath: FieldPath.optional(),
};

export const Paging = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('page'),
    pageParam: z.string(),
    /** Number of the first page: 0 or 1. */
    startPage: z.number().int().min(0).default(1),
    ...pageSize,
    ...stop,
  }),
  z.object({
    kind: z.literal('offset'),
    offsetParam: z.string(),
    startOffset: z.number().int().min(0).default(0),
    ...pageSize,
    ...stop,
  }),
  z.object({
    kind: z.literal('cursor'),
    cursorParam: z.string(),
    /** Where the next cursor stands in the response body … */
    nextPath: FieldPath.optional(),
    /** … or, keyset paging, which field of the last row is the next cursor. Exactly one of the two is set. */
    lastRecordField: FieldPath.optional(),
    ...pageSize,
    ...stop,
  }),
  z.object({
    kind: z.literal('next_url'),
    /** Where the next page's URL (absolute, or relative to the one requested) stands in the body. */
    nextPath: FieldPath,
    ...pageSize,
    ...stop,
  }),
  /** RFC 8288 `Link: <…>; rel="next"`. */
  z.object({ kind: z.literal('link'), ...pageSize }),
]);
export type Paging = z.infer<typeof Paging>;

// ----------------------------------------------------------------------------------------------------------- streams

/** A value that every request sends. Objects and lists: in a body. */
const Constant = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]);

/** A request parameter that stays the same for all requests of a read. */
export const StreamParameter = z.object({
  name: z.string(),
  in: ParameterLocation,
  type: ScalarType,
  description: z.string().optional(),
  required: z.boolean(),
  enum: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** A constant to send, or else the config property that the person fills. Neither: not sent. */
  value: Constant.optional(),
  configKey: PythonName.optional(),
});
export type StreamParameter = z.infer<typeof StreamParameter>;

/** How a child stream gets its path parameters: one partition per row of the parent stream. */
export const Parent = z.object({
  stream: PythonName,
  /** Each path parameter of the child and where its value comes from. */
  parameters: z.array(
    z.object({
      name: z.string(),
      /** Character that encloses the value in the request, doubled where the value holds it (`'My sheet'`). */
      quote: z.string().length(1).optional(),
      /** Field of the parent's row, or the parent's own partition value of that name (for grandchildren). */
      from: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('record'), field: FieldPath }),
        z.object({ kind: z.literal('partition'), parameter: z.string() }),
      ]),
    }),
  ),
  /**
   * Rows of the stream may have rows of the same kind below them, which are read like those of the parent: blocks in blocks,
   * folders in folders. Exactly one of the parameters comes from the parent's row; a row of the stream fills it as well.
   */
  recursive: z
    .object({
      /** Field that says whether any are below a row: true, a number, a list that is not empty. Absent = each row is asked. */
      flag: FieldPath.optional(),
      /** Field of the row that fills the parameter; absent = the same one as in the parent's row. */
      field: FieldPath.optional(),
    })
    .optional(),
});
export type Parent = z.infer<typeof Parent>;

export const TimeFormat = z.enum([
  'date_time',
  'date',
  'unix_seconds',
  'unix_milliseconds',
  'integer',
  'string',
]);

export const Incremental = z.object({
  /** Field of the row that grows; the greatest value seen is the state. */
  cursorField: FieldPath,
  /** Format of the row's cursor. */
  cursorFormat: TimeFormat,
  /** Query parameter that filters "at or after"; absent = filtered here, on the client's side. */
  param: z.string().optional(),
  paramFormat: TimeFormat.optional(),
  /** Query parameter for the window's end, where the API wants one. */
  endParam: z.string().optional(),
  /** The API refuses a request without the filter (a start date is then a required config property). */
  required: z.boolean().default(false),
  /** Longest window the API accepts, in days. */
  maxWindowDays: z.number().positive().optional(),
});
export type Incremental = z.infer<typeof Incremental>;

export const Stream = z.object({
  name: PythonName,
  title: z.string().optional(),
  description: z.string().optional(),
  method: z.enum(['GET', 'POST']),
  /** Path template below the base URL: `/workspaces/{workspace_id}/tasks`. */
  path: z.string().startsWith('/'),
  /** JSON pointer of the operation in the description. */
  pointer: z.string(),
  /** Picked for generation. Those not picked are kept and listed, with `omittedBecause`. */
  selected: z.boolean(),
  omittedBecause: z.string().optional(),
  parameters: z.array(StreamParameter),
  /** Where the rows stand in the response body; `*` as a segment = every value of a map or element of a list. */
  recordPath: FieldPath,
  /**
   * `list`: an array of rows; `map`: an object whose values are rows; `single`: the body (at the path) is one row; `table`: a
   * list of lists, of which the first names the columns.
   */
  recordShape: z.enum(['list', 'map', 'single', 'table']),
  /** Each part a path in the row (`[['transaction_info', 'transaction_id']]`). Empty = none known. */
  primaryKey: z.array(FieldPath),
  paging: Paging,
  parent: Parent.optional(),
  incremental: Incremental.optional(),
  /** Schema of one row. */
  schema: JsonSchema,
  /** One row as the description shows it, if it does; used for fixtures. */
  example: z.unknown().optional(),
});
export type Stream = z.infer<typeof Stream>;

// -------------------------------------------------------------------------------------------------------- operations

export const OperationParameter = z.object({
  /** Name on the wire. */
  name: z.string(),
  /** Name in Python. */
  pythonName: PythonName,
  in: ParameterLocation,
  type: ScalarType,
  itemType: ScalarType.optional(),
  required: z.boolean(),
  description: z.string(),
  enum: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  default: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  pattern: z.string().optional(),
  /** As of a child stream's parameter; of a parameter that must be given. */
  quote: z.string().length(1).optional(),
  /** A constant: sent with every call, and nothing that the caller could set. */
  value: Constant.optional(),
});
export type OperationParameter = z.infer<typeof OperationParameter>;

/** A column of a table result, for `OutputConfig`. */
export const OutputColumn = z.object({
  /** Path in the row joined by dots, as a flattened table names it. */
  name: z.string(),
  type: z.enum(['string', 'integer', 'number', 'boolean', 'datetime', 'json']),
  role: z.enum(['KEY', 'TITLE', 'DATA', 'METADATA']),
});
export type OutputColumn = z.infer<typeof OutputColumn>;

/** One task for an LLM: the agent face. */
export const Operation = z.object({
  name: PythonName,
  method: z.enum(['GET', 'POST']),
  path: z.string().startsWith('/'),
  pointer: z.string(),
  selected: z.boolean(),
  summary: z.string(),
  description: z.string().optional(),
  kind: z.enum(['list', 'search', 'get']),
  parameters: z.array(OperationParameter),
  recordPath: FieldPath,
  result: z.enum(['dataframe', 'text']),
  columns: z.array(OutputColumn),
  paging: Paging,
  /** What to call next with which identifier: docstrings are workflow guidance (seed 002). */
  next: z.array(z.object({ operation: PythonName, parameter: PythonName, field: FieldPath })),
});
export type Operation = z.infer<typeof Operation>;

// ---------------------------------------------------------------------------------------------------- facts and gaps

export const FactName = z.enum([
  'auth',
  'base_url',
  'rate_limit',
  'stream',
  'record_path',
  'primary_key',
  'paging',
  'parent',
  'incremental',
  'schema',
  'operation',
]);
export type FactName = z.infer<typeof FactName>;

export const Evidence = z.object({
  source: z.enum(['description', 'probe', 'docs', 'person', 'model', 'default']),
  /** File or URL; absent = the description itself. */
  document: z.string().optional(),
  /** JSON pointer in it. */
  pointer: z.string().optional(),
  /** The words or names it rests on, shortened, secrets redacted. */
  quote: z.string().optional(),
  /** ISO time, for what was fetched or seen. */
  at: z.string().optional(),
});
export type Evidence = z.infer<typeof Evidence>;

/** Why a value of the blueprint is what it is. */
export const Fact = z.object({
  /** Stream or operation name, or null for the API as a whole. */
  subject: z.string().nullable(),
  fact: FactName,
  /** The value in words, for the notes. */
  value: z.string(),
  /** 0 to 1: the share of such facts that proved right where the rule was measured. */
  confidence: z.number().min(0).max(1),
  /** Short name of the rule that found it. */
  rule: z.string(),
  evidence: z.array(Evidence),
  status: z.enum(['found', 'unconfirmed', 'confirmed', 'corrected', 'struck']).default('found'),
});
export type Fact = z.infer<typeof Fact>;

/** What rules can't tell, as a question to the person, the docs, a probe or a model. */
export const Gap = z.object({
  id: z.string(),
  stream: z.string().nullable(),
  fact: FactName,
  question: z.string(),
  /** What the connector does until it is answered. */
  assumed: z.string(),
  pointer: z.string().optional(),
  /** Values to choose from, in the blueprint's own form. */
  options: z.array(z.object({ label: z.string(), value: z.unknown() })).default([]),
});
export type Gap = z.infer<typeof Gap>;

/** Something broken in the description that was met and passed over. */
export const Problem = z.object({
  severity: z.enum(['error', 'warning']),
  document: z.string(),
  pointer: z.string(),
  message: z.string(),
});
export type Problem = z.infer<typeof Problem>;

// --------------------------------------------------------------------------------------------------------- the whole

export const ServerVariable = z.object({
  name: z.string(),
  configKey: PythonName,
  description: z.string().optional(),
  default: z.string().optional(),
  enum: z.array(z.string()).optional(),
});

export const RateLimit = z.object({
  /** Requests that the API allows per window, where the description says so. */
  requests: z.number().positive().optional(),
  windowSeconds: z.number().positive().optional(),
  /** Headers that carry the limit's state. */
  retryAfterHeader: z.string().optional(),
  remainingHeader: z.string().optional(),
  resetHeader: z.string().optional(),
  documents429: z.boolean(),
});

export const Blueprint = z.object({
  schemaVersion: z.literal(1),
  /** Kebab-case, without the `source-` prefix. */
  name: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/),
  api: z.object({
    title: z.string(),
    version: z.string(),
    description: z.string().optional(),
    docsUrl: z.string().optional(),
    licence: z.string().optional(),
  }),
  source: z.object({
    /** File (relative to the workspace where it lies inside) or URL. */
    location: z.string(),
    /**
     * `docs`: there is no description; agents read the documentation at `location`. `blueprint`: a person wrote it by hand.
     */
    format: z.enum(['openapi-3.0', 'openapi-3.1', 'swagger-2.0', 'docs', 'blueprint']),
    sha256: z.string(),
    bytes: z.number().int(),
  }),
  /** May contain `{variables}`. No slash at the end. */
  baseUrl: z.string(),
  serverVariables: z.array(ServerVariable),
  /** The ways to authenticate; the first is the default. */
  auth: z.array(AuthOption).min(1),
  /** Headers that every request carries (media type, API version). */
  headers: z.array(z.object({ name: z.string(), value: z.string() })),
  rateLimit: RateLimit,
  streams: z.array(Stream),
  operations: z.array(Operation),
  facts: z.array(Fact),
  gaps: z.array(Gap),
  problems: z.array(Problem),
});
export type Blueprint = z.infer<typeof Blueprint>;
