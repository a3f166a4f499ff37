/**
 * Lists that can't be read without the id of a row of another list in a query parameter: `/sections?project_id=…`,
 * `/conversations.history?channel=…`. They are read once for each row of the list that has the ids.
 */
import { isCredential } from './auth-prose.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { isParameterSegment } from './endpoints.ts';
import { pagingParameters } from './paging-request.ts';
import {
  type FieldFinder,
  GENERIC_PARAMETER,
  type ParentCandidate,
  type SupplyingField,
  entitiesOf,
} from './parent-fields.ts';
import type { ParentFinding } from './parents.ts';
import { type SchemaReader, isScalar } from './schema-view.ts';
import { constantOf } from './stream-parameters.ts';
import { stem, words } from './words.ts';

/** What a reference to a row is called beside the row's own name: `project_id`, `projectKey`. */
const REFERENCE = /^(id|key|uuid|guid|gid|sid|code|slug)?$/;
/** Where only one of several links may be wrong, a value asked for in a query is not surer than this. */
const GREATEST_STRENGTH = 0.8;

/** Looks up which list supplies the query parameters that a list demands; built once for an API. */
export class QueryParentIndex {
  readonly #byEntity = new Map<string, ParentCandidate[]>();
  readonly #fields: FieldFinder;
  readonly #schemas: SchemaReader;

  constructor(candidates: readonly ParentCandidate[], fields: FieldFinder, schemas: SchemaReader) {
    this.#fields = fields;
    this.#schemas = schemas;
    for (const candidate of candidates) {
      if (candidate.shape !== 'list' || candidate.primaryKey.length === 0) continue;
      if (candidate.endpoint.segments.some(isParameterSegment)) continue;
      if (demanded(candidate.endpoint, schemas).length > 0) continue;
      for (const entity of entitiesOf(candidate)) {
        const known = this.#byEntity.get(entity);
        if (known === undefined) this.#byEntity.set(entity, [candidate]);
        else known.push(candidate);
      }
    }
  }

  /** The parent of a list without path parameters; undefined where no demanded parameter is the id of a listed row. */
  find(endpoint: Endpoint): ParentFinding | undefined {
    if (endpoint.segments.some(isParameterSegment)) return undefined;
    for (const parameter of demanded(endpoint, this.#schemas)) {
      const source = this.#source(endpoint, parameter);
      if (source === undefined) continue;
      const { list, field } = source;
      const from = { kind: 'record' as const, field: [...field.path] };
      return {
        parent: { stream: list.name, parameters: [{ name: parameter.name, from }] },
        unfilled: [],
        confidence: Math.min(field.strength, GREATEST_STRENGTH),
        rule: 'demanded-by-query',
        pointers: [parameter.pointer, list.endpoint.pointer],
        doubts: [],
      };
    }
    return undefined;
  }

  #source(
    endpoint: Endpoint,
    parameter: Parameter,
  ): { list: ParentCandidate; field: SupplyingField } | undefined {
    const asked = stem(parameter.name);
    if (GENERIC_PARAMETER.test(asked)) return undefined;
    const named = [...this.#byEntity].flatMap(([entity, lists]) =>
      asked.startsWith(entity) && REFERENCE.test(asked.slice(entity.length)) ? lists : [],
    );
    const lists = [...new Set(named)]
      .filter(
        (list) => list.endpoint !== endpoint && !entitiesOf(list).some((entity) => isOf(endpoint, entity)),
      )
      .sort((left, right) => distance(left, parameter) - distance(right, parameter));
    for (const list of lists) {
      const field = this.#fields.find(list, parameter, true);
      const [key] = list.primaryKey;
      // Only what tells the rows apart is asked for once each.
      const isKey = list.primaryKey.length === 1 && key?.join('\0') === field?.path.join('\0');
      if (field !== undefined && isKey && field.strength >= 0.75) return { list, field };
    }
    return undefined;
  }
}

/** The query parameters without which an endpoint gives no answer, and whose value the description leaves open. */
function demanded(endpoint: Endpoint, schemas: SchemaReader): Parameter[] {
  const paging = new Set(pagingParameters(endpoint, schemas).map(({ name }) => name));
  return endpoint.parameters.filter(
    (parameter) =>
      parameter.in === 'query' &&
      parameter.required &&
      !isCredential(parameter) &&
      !paging.has(parameter.name) &&
      constantOf(parameter) === undefined &&
      parameter.schema.enum === undefined &&
      (parameter.schema.types.size === 0 || isScalar(parameter.schema)),
  );
}

/** `/users/lookup?user_id=…` gives the rows of `/users` again. */
function isOf(endpoint: Endpoint, entity: string): boolean {
  const [last = ''] = endpoint.segments.slice(-1);
  return stem(last) === entity;
}

/** Lists that say by their name that they list come first, then those with the shortest path. */
function distance(list: ParentCandidate, parameter: Parameter): number {
  const last = list.endpoint.segments.at(-1) ?? '';
  const lists = !last.includes('.') || words(last).at(-1) === 'list';
  const spoken = words(last).some((word) => parameter.description.toLowerCase().includes(stem(word)));
  return (
    (lists ? 0 : 10) +
    (spoken ? 0 : 5) +
    words(list.endpoint.template).length +
    (list.endpoint.deprecated ? 20 : 0)
  );
}
