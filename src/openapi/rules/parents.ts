/**
 * Which list supplies the path parameters of another: `/projects/{project_id}/tasks` is read once for each row of
 * `/projects`. By the path first, then by the parameter's name; what no list supplies is asked of the person.
 */
import type { Parent } from '../../blueprint/schema.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { isParameterSegment, segmentParameters } from './endpoints.ts';
import { type DetailIndex, addresses, shapeOf } from './primary-key.ts';
import { type SchemaReader, type SchemaView, isArray, isScalar } from './schema-view.ts';
import { singular, squash, stem, words } from './words.ts';

/** A list that may be a parent. */
export interface ParentCandidate {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly row: SchemaView;
  readonly primaryKey: readonly (readonly string[])[];
  readonly shape: 'list' | 'map' | 'single';
}

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
  readonly #schemas: SchemaReader;

  constructor(candidates: readonly ParentCandidate[], details: DetailIndex, schemas: SchemaReader) {
    this.#schemas = schemas;
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
    return this.#fieldOf(list, parameter, true)?.path;
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
      const field = this.#fieldOf(source.list, parameter, false);
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
      const field = this.#fieldOf(prefix, parameter, true);
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
      const field = this.#fieldOf(
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

  /** The field of a list's row that a path parameter takes. `entity`: the parameter addresses a row of this list. */
  #fieldOf(
    list: ParentCandidate,
    parameter: Parameter,
    entity: boolean,
  ): { path: readonly string[]; strength: number } | undefined {
    const entities = new Set(entitiesOf(list));
    const asked = stem(parameter.name);
    const scored: { path: readonly string[]; strength: number }[] = [];
    // `{username}` under `/repositories` addresses no repository: only a field of that very name may supply it.
    const foreign = !GENERIC_PARAMETER.test(asked) && ![...entities].some((one) => related(asked, one));
    const primary = list.primaryKey.length === 1 ? list.primaryKey[0] : undefined;
    // Rows that are scalars: the row itself stands at `value`.
    if (list.row.properties.size === 0) return entity ? { path: ['value'], strength: 0.55 } : undefined;
    for (const [name, node] of list.row.properties) {
      const view = this.#schemas.view(node);
      if (isArray(view) || view.types.has('boolean')) continue;
      if (!isScalar(view)) {
        const inner =
          (!entity || foreign) && stem(name) === asked ? this.#identityOf(view, parameter) : undefined;
        if (inner !== undefined) scored.push({ path: [name, inner], strength: 0.75 });
        const deep = foreign ? [...view.properties.keys()].find((key) => stem(key) === asked) : undefined;
        if (deep !== undefined) scored.push({ path: [name, deep], strength: 0.7 });
        continue;
      }
      const given = stem(name);
      let strength = 0;
      if (given === asked && (!GENERIC_PARAMETER.test(asked) || entity)) strength = 0.95;
      else if (entity && addresses(parameter.name, name, entities))
        strength = entities.has(asked) && mismatched(parameter.schema, view) ? 0.7 : 0.93;
      else if (entity && !foreign && prose(parameter, name)) strength = 0.9;
      else if (
        entity &&
        entities.has(asked) &&
        NATURAL_ORDER.includes(given) &&
        (PEOPLE.test(asked) || !/^(login|username)$/.test(given)) &&
        parameter.schema.types.has('string')
      )
        strength = 0.82 - NATURAL_ORDER.indexOf(given) * 0.01;
      else if (entity && GENERIC_PARAMETER.test(asked) && stem(words(name).at(-1) ?? '') === asked)
        strength = 0.76;
      if (strength === 0) continue;
      if (!sameKind(parameter.schema, view)) strength -= 0.25;
      scored.push({ path: [name], strength });
    }
    if (primary !== undefined && entity) {
      const known = scored.find((one) => one.path.join('\0') === primary.join('\0'));
      if (known !== undefined) known.strength += 0.02;
      else
        scored.push({
          path: primary,
          strength: this.#primaryStrength(list, primary, parameter, asked, foreign),
        });
    }
    scored.sort((left, right) => right.strength - left.strength);
    const best = scored[0];
    if (best === undefined || best.strength < 0.5) return undefined;
    return { path: best.path, strength: Math.min(best.strength, 0.96) };
  }

  #primaryStrength(
    list: ParentCandidate,
    primary: readonly string[],
    parameter: Parameter,
    asked: string,
    foreign: boolean,
  ): number {
    const view = this.#schemas.at(list.row, primary);
    const kind = view === undefined || sameKind(parameter.schema, view);
    // An id is no e-mail address and no URL.
    if (
      /(id|uuid|guid|sid|pk)$/.test(asked) &&
      /^(email|emailaddress|name|uri|url|href|title|date|value)$/.test(squash(primary.at(-1) ?? ''))
    )
      return 0.4;
    const idLike = /(id|key|sid|uuid|guid|code|number|ref|reference|slug|name)$/.test(asked);
    if (foreign) return idLike ? 0.6 : 0.3;
    return (idLike ? 0.88 : 0.7) - (kind ? 0 : 0.25);
  }

  /** Which field names an object that stands in a row: `owner` → `owner.login`. */
  #identityOf(view: SchemaView, parameter: Parameter): string | undefined {
    const order = parameter.schema.types.has('integer')
      ? ['id']
      : ['login', 'username', 'slug', 'key', 'name', 'uuid', 'id', 'sid'];
    return order.find((name) => view.properties.has(name));
  }
}

const GENERIC_PARAMETER =
  /^(id|sid|uuid|guid|key|name|slug|code|number|value|type|ref|path|index|uid|gid|version|date|year|month|day|status|format|lang|language|locale|identifier)$/;

/** Fields by which people address things, in order. */
const NATURAL_ORDER = ['login', 'username', 'slug', 'key', 'code', 'name', 'uuid', 'sid'];
/** Entities that have a login or user name. */
const PEOPLE =
  /(user|member|account|owner|org|organi[sz]ation|team|person|player|author|profile|group|customer|admin)$/;

/** A text parameter and a number: an id may still be meant, but a name is likelier. */
function mismatched(parameter: SchemaView, field: SchemaView): boolean {
  return (
    parameter.types.has('string') &&
    !parameter.types.has('integer') &&
    field.types.has('integer') &&
    !field.types.has('string')
  );
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

/** What a row of the list is called, in stems. */
function entitiesOf(list: ParentCandidate): string[] {
  const fixed = list.endpoint.segments.filter((segment) => !isParameterSegment(segment));
  const last = (fixed.at(-1) ?? '').replace(/\.json$/i, '');
  const entities = new Set<string>();
  const lastWords = words(last).map(singular);
  if (lastWords.length > 0) {
    entities.add(lastWords.join(''));
    // `calendarList`, `user-list`: lists of what stands before.
    if (lastWords.length > 1 && /^(list|collection|index)$/.test(words(last).at(-1) ?? ''))
      entities.add(lastWords.slice(0, -1).join(''));
  }
  if (list.row.component !== undefined) {
    const parts = words(list.row.component)
      .map(singular)
      .filter(
        (word, index, all) =>
          !/^(entry|response|item|dto|model|simple|full|minimal|basic|summary|rep|object|schema)$/.test(
            word,
          ) &&
          (word !== 'list' || index === all.length - 1),
      );
    if (parts.length > 0) entities.add(parts.join(''));
  }
  return [...entities].filter((entity) => entity !== '');
}

/** `{location_id}` and a list `/locations` that needs nothing: hardly anything else can be meant. */
function plainlyNamed(asked: string, candidate: ParentCandidate): boolean {
  const free = !candidate.endpoint.segments.some(isParameterSegment);
  return (
    free &&
    entitiesOf(candidate).some(
      (entity) => asked === `${entity}id` || asked === `${entity}key` || asked === `${entity}uuid`,
    )
  );
}

/** True where a parameter's name has to do with an entity's: `petId`, `pet`, `customerOrPetId` for pets. */
function related(asked: string, entity: string): boolean {
  return (
    asked.includes(entity) ||
    (asked.length > 2 && entity.includes(asked.replace(/(id|key|code|slug|uuid|name|number)$/, '') || '\0'))
  );
}

function entityPart(asked: string, candidate: ParentCandidate): boolean {
  return entitiesOf(candidate).some((entity) => asked.startsWith(entity));
}

/** A parent has fewer path parameters than its child, so that no chain is a circle, and does not stand below it. */
function usable(candidate: ParentCandidate, child: Endpoint, count: number): boolean {
  const own = candidate.endpoint.segments.flatMap(segmentParameters).length;
  return own < count && candidate.endpoint.path !== child.path;
}

/** Lists that need least to be read come first. */
function weight(candidate: ParentCandidate): number {
  const { endpoint } = candidate;
  const own = endpoint.segments.flatMap(segmentParameters).length;
  const required = endpoint.parameters.filter(
    (parameter) => parameter.in === 'query' && parameter.required,
  ).length;
  const search = /search|deprecated|public|starred|follow|watch/i.test(endpoint.path) ? 1 : 0;
  return (
    own * 10 + required * 6 + (endpoint.deprecated ? 8 : 0) + search * 3 + endpoint.segments.length * 0.5
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

function sameKind(left: SchemaView, right: SchemaView): boolean {
  if (left.types.size === 0 || right.types.size === 0) return true;
  const numeric = (view: SchemaView): boolean => view.types.has('integer') || view.types.has('number');
  if (left.types.has('string')) return true;
  return numeric(left) === numeric(right) || right.types.has('string') === left.types.has('string');
}

/** "The name of the repository": the parameter's text says which field it takes. */
function prose(parameter: Parameter, field: string): boolean {
  const key = squash(field);
  if (!/^(id|uuid|key|slug|name|code|username|login|number|email|sid|gid)$/.test(key)) return false;
  const text = parameter.description.toLowerCase().slice(0, 160);
  if (key === 'id') return /\b(id|identifier)\b/.test(text);
  return new RegExp(`\\b${key}\\b`).test(text) && !/\bid\b/.test(text);
}
