/** What the research panel shows, and what can be done there. */
import * as z from 'zod/mini';

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

/** One input of a form. All hold text; the engine makes a value of it. */
export const FormField = z.object({
  name: z.string(),
  label: z.string(),
  kind: z.enum(['text', 'number', 'select', 'json']),
  /** What it holds as the brief says it. */
  value: z.string(),
  /** Of a `select`. */
  options: z.optional(z.array(z.object({ value: z.string(), label: z.string() }))),
  /** Texts to choose from, beside which any other may be typed. */
  suggestions: z.optional(z.array(z.string())),
  hint: z.optional(z.string()),
  /** Shown only while another field holds one of these. */
  when: z.optional(z.object({ field: z.string(), is: z.array(z.string()) })),
});
export type FormField = z.infer<typeof FormField>;

/** A person's answer that is not given yet. */
export const Draft = z.object({
  kind: z.enum(['confirm', 'correct', 'strike']),
  fields: z.record(z.string(), z.string()),
  /** What it comes to, in words. */
  words: z.string(),
  /** Why it can't be given; null where it can. */
  problem: z.nullable(z.string()),
});
export type Draft = z.infer<typeof Draft>;

export const Source = z.object({
  /** Where it comes from, in words: "Description", "Documentation", "You" … */
  from: z.string(),
  /** A place in a file that can be opened. */
  place: z.nullable(z.object({ document: z.nullable(z.string()), pointer: z.string() })),
  /** A place that is only named: a pointer in a document that is not a file here. */
  named: z.nullable(z.string()),
  /** An https address. */
  url: z.nullable(z.string()),
  quote: z.nullable(z.string()),
});
export type Source = z.infer<typeof Source>;

export const Claim = z.object({
  stream: z.nullable(z.string()),
  fact: FactName,
  label: z.string(),
  value: z.string(),
  /** 0 to 1; null where nothing is claimed. */
  confidence: z.nullable(z.number()),
  status: z.enum(['found', 'unconfirmed', 'confirmed', 'corrected', 'struck', 'unknown']),
  /** How it was found: the rule's name. */
  rule: z.string(),
  sources: z.array(Source),
  /** Sources that are not listed. */
  moreSources: z.number(),
  canConfirm: z.boolean(),
  canStrike: z.boolean(),
  /** Empty where it can't be corrected here. */
  fields: z.array(FormField),
  draft: z.nullable(Draft),
});
export type Claim = z.infer<typeof Claim>;

export const Question = z.object({
  id: z.string(),
  stream: z.nullable(z.string()),
  fact: FactName,
  question: z.string(),
  assumed: z.string(),
  source: z.nullable(Source),
  /** Answers to choose from, each as the inputs would hold it. */
  options: z.array(z.object({ label: z.string(), fields: z.record(z.string(), z.string()) })),
  /** For another answer; empty where only the options or what is assumed can be chosen. */
  fields: z.array(FormField),
  /** What is assumed can be confirmed. */
  canConfirm: z.boolean(),
  draft: z.nullable(Draft),
});
export type Question = z.infer<typeof Question>;

export const StreamRow = z.object({
  name: z.string(),
  /** `GET /members`. */
  request: z.string(),
  /** As the brief has it. */
  selected: z.boolean(),
  /** As the person wants it, where that differs. */
  wanted: z.nullable(z.boolean()),
  /** Why it is left out, as an index into `reasons`; null where it is selected. */
  reason: z.nullable(z.number()),
  /** Open questions and unconfirmed claims. */
  open: z.number(),
  /** Streams that read theirs from its rows. */
  neededBy: z.array(z.string()),
});
export type StreamRow = z.infer<typeof StreamRow>;

export const Notes = z.object({
  /** Pairs of a name and a text: version, base URL, sign-in … */
  about: z.array(z.tuple([z.string(), z.string()])),
  description: z.string(),
  /** By a model, as Markdown; '' where none was at work. */
  summary: z.string(),
  /** What has to be written by hand, connectors that exist, claims that did not hold, documents, problems, probes. */
  sections: z.array(
    z.object({
      title: z.string(),
      items: z.array(z.object({ text: z.string(), source: z.nullable(Source) })),
      more: z.number(),
    }),
  ),
});
export type Notes = z.infer<typeof Notes>;

export const ResearchModel = z.object({
  /** Name of the connector, or of what it is made from. */
  title: z.string(),
  /** Where the research stands, as a sentence. */
  standing: z.string(),
  /** The gate waits: answers can be given. Otherwise the panel is for reading only. */
  canAnswer: z.boolean(),
  /** Null before the first brief. */
  brief: z.nullable(
    z.object({
      notes: Notes,
      /** About the API as a whole. */
      claims: z.array(Claim),
      questions: z.array(Question),
      /** Questions about streams that are not shown, and those about streams that are left out. */
      moreQuestions: z.number(),
      streams: z.array(StreamRow),
      reasons: z.array(z.string()),
      /** The claims of some streams; `show` asks for those of others. */
      shown: z.array(z.object({ stream: z.string(), claims: z.array(Claim) })),
    }),
  ),
  drafts: z.object({
    changes: z.number(),
    confirmations: z.number(),
    /** What is wrong with those that can't be given. */
    problems: z.array(z.string()),
    words: z.string(),
    /** The file of the drafts is damaged; null where it is fine. */
    damage: z.nullable(z.string()),
  }),
});
export type ResearchModel = z.infer<typeof ResearchModel>;

const about = { stream: z.nullable(z.string()), fact: FactName };
const shortText = z.string().check(z.maxLength(100_000));

export const ResearchAction = z.discriminatedUnion('type', [
  /** Drafts an answer. */
  z.object({
    type: z.literal('answer'),
    ...about,
    kind: z.enum(['confirm', 'correct', 'strike']),
    /** Of a correction. */
    fields: z.record(z.string(), shortText),
  }),
  /** Takes a draft back; without a fact, all of them. */
  z.object({ type: z.literal('undo'), stream: z.nullable(z.string()), fact: z.nullable(FactName) }),
  /** Drafts which streams are read. */
  z.object({ type: z.literal('pick'), streams: z.array(z.string()), selected: z.boolean() }),
  /** Keeps the words for a request for changes. */
  z.object({ type: z.literal('words'), text: shortText }),
  /** Shows the claims of these streams. */
  z.object({ type: z.literal('show'), streams: z.array(z.string()).check(z.maxLength(50)) }),
  /** Opens the description at a place. */
  z.object({ type: z.literal('open'), document: z.nullable(z.string()), pointer: z.string() }),
  /** Gives the drafts: the research works them in and waits again. */
  z.object({ type: z.literal('apply') }),
  z.object({ type: z.literal('approve') }),
  z.object({ type: z.literal('requestChanges'), words: shortText }),
  z.object({ type: z.literal('reject'), reason: shortText }),
]);
export type ResearchAction = z.infer<typeof ResearchAction>;
