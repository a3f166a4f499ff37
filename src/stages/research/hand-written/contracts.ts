/** The form in which a person writes a blueprint by hand: what a blueprint holds, without what can be filled in. */
import { z } from 'zod';
import {
  AuthOption,
  FactName,
  Incremental,
  JsonSchema,
  Operation,
  Paging,
  Parent,
  RateLimit,
  ServerVariable,
  Stream,
  StreamParameter,
} from '../../../blueprint/schema.ts';

/** What a fact rests on: a page of documentation, with the words that say it. */
const Source = z.object({ url: z.string().optional(), quote: z.string().optional() });
export type Source = z.infer<typeof Source>;

/** By fact: `paging`, `primary_key`, …; what is not listed rests on the person's word. */
const Sources = z.partialRecord(FactName, Source);

/** A path needs all its parameters; others need not be required. */
const HandWrittenParameter = StreamParameter.extend({ required: z.boolean().default(false) });

export const HandWrittenStream = z.object({
  name: Stream.shape.name,
  title: z.string().optional(),
  description: z.string().optional(),
  method: Stream.shape.method.default('GET'),
  path: Stream.shape.path,
  selected: z.boolean().default(true),
  parameters: z.array(HandWrittenParameter).default([]),
  recordPath: Stream.shape.recordPath.default([]),
  recordShape: Stream.shape.recordShape.default('list'),
  primaryKey: Stream.shape.primaryKey.default([]),
  paging: Paging.default({ kind: 'none' }),
  parent: Parent.optional(),
  incremental: Incremental.optional(),
  schema: JsonSchema.default({}),
  example: z.unknown().optional(),
  sources: Sources.default({}),
});
export type HandWrittenStream = z.infer<typeof HandWrittenStream>;

export const HandWrittenBlueprint = z.object({
  /** Version of this form; its presence is what tells such a file from an API description. */
  blueprint: z.literal(1),
  title: z.string().min(1),
  version: z.string().default(''),
  description: z.string().optional(),
  docsUrl: z.string().optional(),
  baseUrl: z.string().regex(/^https?:\/\/[^\s]+$/, 'begins with http:// or https://'),
  serverVariables: z.array(ServerVariable).default([]),
  auth: z.array(AuthOption).min(1),
  headers: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  rateLimit: RateLimit.extend({ documents429: z.boolean().default(false) }).default({ documents429: false }),
  streams: z.array(HandWrittenStream).min(1),
  /** Operations for language models; absent: one for each stream. */
  operations: z.array(Operation).optional(),
  sources: Sources.default({}),
});
export type HandWrittenBlueprint = z.infer<typeof HandWrittenBlueprint>;
