/** Parts of a brief that stages read of it: the whole of a large API's takes long to validate, and most of it is schemas. */
import { z } from 'zod';
import { Blueprint, Fact, Stream } from '../blueprint/schema.ts';
import { Brief } from './contracts.ts';

/** What the review asks a brief: which facts were struck out. */
export const ReviewedBrief = z.object({
  blueprint: z.object({
    streams: z.array(Stream.pick({ name: true, selected: true })),
    facts: z.array(Fact.pick({ subject: true, fact: true, value: true, status: true, evidence: true })),
  }),
});
export type ReviewedBrief = z.infer<typeof ReviewedBrief>;

const { api, source, gaps } = Blueprint.shape;

/** What a publication says of the API and its connector, and what they were made of. */
export const PublishedBrief = z.object({
  probes: z.array(z.unknown()),
  agent: Brief.shape.agent,
  blueprint: z.object({
    api,
    source,
    gaps,
    streams: z.array(
      Stream.pick({
        name: true,
        selected: true,
        primaryKey: true,
        paging: true,
        parent: true,
        incremental: true,
      }),
    ),
  }),
});
export type PublishedBrief = z.infer<typeof PublishedBrief>;

/** The parts by name: a thread is told which one to read. */
export const BRIEF_PARTS = { review: ReviewedBrief, publication: PublishedBrief } as const;

/** What each part holds. */
export interface BriefParts {
  readonly review: ReviewedBrief;
  readonly publication: PublishedBrief;
}
export type BriefPart = keyof BriefParts;
