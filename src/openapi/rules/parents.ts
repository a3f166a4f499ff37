/**
 * Which list supplies the path parameters of another: `/projects/{project_id}/tasks` is read once for each row of
 * `/projects`. By the path first, then by the parameter's name; what no list supplies is asked of the person.
 */
import type { Parent } from '../../blueprint/schema.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { isParameterSegment, segmentParameters } from './endpoints.ts';
import {
  type FieldFinder,
  GENERIC_PARAMETER,
  type ParentCandidate,
  entitiesOf,
  entityPart,
  plainlyNamed,
} from './parent-fields.ts';
import { type DetailIndex, shapeOf } from './primary-key.ts';
import { singular, stem, words } from './words.ts';

export interface ParentFinding {
  readonly parent: Parent | undefined;
  /** Path parameters that no list supplies. */
  readonly unfilled: readonly Parameter[];
  readonly confidence: number;
  readonly rule: string;
  readonly pointers: readonly string[];
  readonly doubts: readonly string[];
}

interface Source {
  readonly list: ParentCandidate;
  readonly field: readonly string[];
  readonly strength: number;
  readonly rule: string;
}

/** Looks lists up by path and by the names of their rows; built once for an API. */
export class ParentIndex {
  readonly #byShape = new Map<string, ParentCandidate>();
  readonly #byEntity = new Map<string, ParentCandidate[]>();
  readonly #byDetail = new Map<string, ParentCandidate[]>();
  /** How many lists need a path parameter of that name. */
  readonly #needed = new Map<string, number>();
  readonly #fields: FieldFinder;

  constructor(candidates: readonly ParentCandidate[], details: DetailIndex, fields: FieldFinder) {
    this.#fields = fields;
    for (const { endpoint } of candidates) {
      for (const name of new Set(endpoint.segments.flatMap(segmentParameters).map(stem)))
        this.#needed.set(name, (this.#needed.get(name) ?? 0) + 1);
    }
    for (const candidate of candidates) {
      if (candidate.shape === 'single') continue;
      const shape = shapeOf(candidate.endpoint.segments);
      if (!this.#byShape.has(shape)) this.#byShape.set(shape, candidate);
      for (const entity of entitiesOf(candidate)) push(this.#byEntity, entity, candidate);
      for (const parameter of details.get(shape) ?? []) push(this.#byDetail, stem(parameter), candidate);
    }
  }

  /** The parent of a list, or what its path needs of the person. */
  find(endpoint: Endpoint): ParentFinding {
    const names = endpoint.segments.flatMap(segmentParameters);
    const parameters = names
      .map((name) => endpoint.parameters.find((one) => one.in === 'path' && one.name === name))
      .filter((parameter) => parameter !== undefined);
    const nothing = { parent: undefined, pointers: [endpoint.pointer], doubts: [] };
    if (parameters.length === 0)
      return { ...nothing, unfilled: [], confidence: 1, rule: 'no-path-parameters' };
    // The last parameter that a list supplies decides the parent; those before it come through the parent's own path.
    for (let position = parameters.length - 1; position >= 0; position -= 1) {
      const parameter = parameters[position];
      if (parameter === undefined) continue;
      const source = this.#source(endpoint, parameter, parameters.length);
      if (source === undefined) continue;
      return this.#link(endpoint, parameters, parameter, source);
    }
    return { ...nothing, unfilled: parameters, confidence: 0.5, rule: 'no-list-supplies-it' };
  }

  /** The field of a list's row that addresses the row in a detail path, for chaining operations. */
  fieldOf(list: ParentCandidate, parameter: Parameter): readonly string[] | undefined {
    return this.#fields.find(list, parameter, true)?.path;
  }

  #link(
    endpoint: Endpoint,
    parameters: readonly Parameter[],
    decisive: Parameter,
    source: Source,
  ): ParentFinding {
    const own = source.list.endpoint.segments.flatMap(segmentParameters);
    const links: Parent['parameters'] = [];
    const unfilled: Parameter[] = [];
    let strength = source.strength;
    for (const parameter of parameters) {
      if (parameter === decisive) {
        links.push({ name: parameter.name, from: { kind: 'record', field: [...source.field] } });
        continue;
      }
      const partition = matchPartition(endpoint, parameter, source.list.endpoint, own);
      if (partition !== undefined) {
        links.push({ name: parameter.name, from: { kind: 'partition', parameter: partition } });
        continue;
      }
      const field = this.#fields.find(source.list, parameter, false);
      if (field !== undefined) {
        links.push({ name: parameter.name, from: { kind: 'record', field: [...field.path] } });
        strength = Math.min(strength, field.strength);
        continue;
      }
      unfilled.push(parameter);
    }
    return {
      parent: { stream: source.list.name, parameters: links },
      unfilled,
      confidence: unfilled.length > 0 ? Math.min(strength, 0.6) : strength,
      rule: source.rule,
      pointers: [decisive.pointer, source.list.endpoint.pointer],
      doubts:
        strength < 0.75
          ? [`whether {${decisive.name}} is ${source.field.join('.')} of ${source.list.name}`]
          : [],
    };
  }

  #source(endpoint: Endpoint, parameter: Parameter, count: number): Source | undefined {
    const at = endpoint.segments.findIndex((segment) => segmentParameters(segment).includes(parameter.name));
    const prefix = this.#byShape.get(shapeOf(endpoint.segments.slice(0, at)));
    if (prefix !== undefined && usable(prefix, endpoint, count)) {
      const field = this.#fields.find(prefix, parameter, true);
      if (field !== undefined)
        return { list: prefix, field: field.path, strength: field.strength, rule: 'path-prefix' };
    }
    return this.#byName(endpoint, parameter, at, count);
  }

  /** `/flags/{projectKey}` under `/projects`; `/repos/{owner}/{repo}/…` under any list of repositories. */
  #byName(endpoint: Endpoint, parameter: Parameter, at: number, count: number): Source | undefined {
    const asked = stem(parameter.name);
    const parts = words(parameter.name).map(singular);
    const before = endpoint.segments[at - 1];
    const detail = GENERIC_PARAMETER.test(asked) ? [] : (this.#byDetail.get(asked) ?? []);
    const keys = new Set<string>();
    if (!GENERIC_PARAMETER.test(asked)) {
      keys.add(asked);
      for (let end = parts.length - 1; end > 0; end -= 1) {
        if (/^(id|ids|uuid|guid|sid|key|slug|code|name|number|uid|gid|or|identifier)$/.test(parts[end] ?? ''))
          keys.add(parts.slice(0, end).join(''));
        else break;
      }
    }
    if (before !== undefined && !isParameterSegment(before) && !/^v\d/.test(before)) keys.add(stem(before));
    const named = [...keys].flatMap((key) => this.#byEntity.get(key) ?? []);
    const ranked = [...new Set([...detail, ...named])]
      .filter(
        (candidate) => usable(candidate, endpoint, count) || this.#isRoot(candidate, endpoint, parameter),
      )
      .sort((left, right) => weight(left) - weight(right));
    for (const candidate of ranked.slice(0, 8)) {
      const field = this.#fields.find(
        candidate,
        parameter,
        detail.includes(candidate) || entityPart(asked, candidate),
      );
      if (field === undefined) continue;
      const placed =
        before !== undefined && entitiesOf(candidate).includes(stem(before)) && entityPart(asked, candidate);
      const strength = Math.min(
        field.strength,
        detail.includes(candidate) ? 0.85 : placed || plainlyNamed(asked, candidate) ? 0.8 : 0.72,
      );
      return {
        list: candidate,
        field: field.path,
        strength,
        rule: detail.includes(candidate) ? 'same-detail-parameter' : 'parameter-name',
      };
    }
    return undefined;
  }

  /**
   * `/teams/{team_id}/projects` for `/projects/{project_id}/files`: a list that asks for as many values as its child,
   * where more of the API hangs on what it asks for. Circles are out: each step leads to what is needed more often.
   */
  #isRoot(candidate: ParentCandidate, child: Endpoint, parameter: Parameter): boolean {
    const asked = stem(parameter.name);
    const own = candidate.endpoint.segments.flatMap(segmentParameters).map(stem);
    const [root] = own;
    if (own.length !== 1 || root === undefined || root === asked || GENERIC_PARAMETER.test(asked))
      return false;
    if (child.segments.flatMap(segmentParameters).length !== 1) return false;
    const needed = (name: string): number => this.#needed.get(name) ?? 0;
    return needed(root) > needed(asked);
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

/** A parent has fewer path parameters than its child, so that no chain is a circle, and does not stand below it. */
function usable(candidate: ParentCandidate, child: Endpoint, count: number): boolean {
  const own = candidate.endpoint.segments.flatMap(segmentParameters).length;
  return own < count && candidate.endpoint.path !== child.path;
}

/** First segment of a path to what the signed-in account has. */
const OWN_LIST = /^(user|me|my|self|account|viewer)$/i;

/** Lists that need least to be read come first. */
function weight(candidate: ParentCandidate): number {
  const { endpoint } = candidate;
  const own = endpoint.segments.flatMap(segmentParameters).length;
  const required = endpoint.parameters.filter(
    (parameter) => parameter.in === 'query' && parameter.required,
  ).length;
  const search = /search|deprecated|public|starred|follow|watch/i.test(endpoint.path) ? 1 : 0;
  // What the signed-in account has is read, rather than all that anybody has: `/user/orgs`, not `/organizations`.
  const mine = own === 0 && OWN_LIST.test(endpoint.segments[0] ?? '') ? 1 : 0;
  return (
    own * 10 +
    required * 6 +
    (endpoint.deprecated ? 8 : 0) +
    search * 3 +
    endpoint.segments.length * 0.5 -
    mine
  );
}

/** The parameter of the parent's path that stands for the same thing. */
function matchPartition(
  child: Endpoint,
  parameter: Parameter,
  parent: Endpoint,
  own: readonly string[],
): string | undefined {
  if (own.length === 0) return undefined;
  const at = child.segments.findIndex((segment) => segmentParameters(segment).includes(parameter.name));
  const there = parent.segments[at];
  const samePrefix =
    there !== undefined &&
    shapeOf(child.segments.slice(0, at + 1)) === shapeOf(parent.segments.slice(0, at + 1));
  const positional = samePrefix ? segmentParameters(there)[0] : undefined;
  if (positional !== undefined) return positional;
  const asked = stem(parameter.name);
  return own.find((name) => stem(name) === asked && !GENERIC_PARAMETER.test(asked));
}
