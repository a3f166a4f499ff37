/** Lists whose rows may supply the parameters of others: what their rows are called, and which field a parameter takes. */
import type { Endpoint, Parameter } from './endpoints.ts';
import { isParameterSegment } from './endpoints.ts';
import { addresses } from './primary-key.ts';
import { isNameOfAnyList } from './record-path.ts';
import { type SchemaReader, type SchemaView, isArray, isScalar } from './schema-view.ts';
import { singular, squash, stem, words } from './words.ts';

/** A list that may be a parent. */
export interface ParentCandidate {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly recordPath: readonly string[];
  readonly row: SchemaView;
  readonly primaryKey: readonly (readonly string[])[];
  readonly shape: 'list' | 'map' | 'single';
}

/** A field of a row, and how sure it is that a parameter takes it: 0 to 1. */
export interface SupplyingField {
  readonly path: readonly string[];
  readonly strength: number;
}

/** Names of parameters that say nothing of what they belong to. */
export const GENERIC_PARAMETER =
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

/** Finds the field of a list's rows that a parameter takes. */
export class FieldFinder {
  readonly #schemas: SchemaReader;

  constructor(schemas: SchemaReader) {
    this.#schemas = schemas;
  }

  /** The field of a list's row that a parameter takes. `entity`: the parameter addresses a row of this list. */
  find(
    list: ParentCandidate,
    parameter: Parameter,
    entity: boolean,
  ): { path: readonly string[]; strength: number } | undefined {
    const entities = new Set(entitiesOf(list));
    const asked = stem(parameter.name);
    if ([...entities].some((one) => abbreviates(asked, one))) entities.add(asked);
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

/** What a row of the list is called, in stems. */
export function entitiesOf(list: ParentCandidate): string[] {
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
  // `conversations.list` with its rows at `channels`.
  const holder = list.recordPath.findLast((part) => part !== '*');
  if (holder !== undefined && !isNameOfAnyList(holder)) entities.add(stem(holder));
  return [...entities].filter((entity) => entity !== '');
}

const SHORTEST_ABBREVIATION = 3;

/** `{org}` for a row of `/organizations`: a parameter that is called by the beginning of an entity's name. */
function abbreviates(asked: string, entity: string): boolean {
  return asked.length >= SHORTEST_ABBREVIATION && asked.length < entity.length && entity.startsWith(asked);
}

/** `{location_id}` and a list `/locations` that needs nothing: hardly anything else can be meant. */
export function plainlyNamed(asked: string, candidate: ParentCandidate): boolean {
  const free = !candidate.endpoint.segments.some(isParameterSegment);
  return (
    free &&
    entitiesOf(candidate).some(
      (entity) => asked === `${entity}id` || asked === `${entity}key` || asked === `${entity}uuid`,
    )
  );
}

/** True where a parameter's name has to do with an entity's: `petId`, `pet`, `customerOrPetId` for pets. */
export function related(asked: string, entity: string): boolean {
  return (
    asked.includes(entity) ||
    (asked.length > 2 && entity.includes(asked.replace(/(id|key|code|slug|uuid|name|number)$/, '') || '\0'))
  );
}

export function entityPart(asked: string, candidate: ParentCandidate): boolean {
  return entitiesOf(candidate).some((entity) => asked.startsWith(entity));
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
