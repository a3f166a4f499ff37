/** From text to a JSON value: JSON or YAML, within limits, with errors that name line and column. */
import yaml from 'js-yaml';
import { SourcewrightError } from '../errors.ts';
import { withoutCredentialShapes } from './credentials.ts';
import { duplicateKey } from './json-duplicates.ts';
import { MAX_ALIAS_VALUES, MAX_DEPTH, MAX_DUPLICATE_SCAN } from './limits.ts';
import { foreignText } from './text.ts';

/** A finding that did not stop the parser. */
export interface ParseWarning {
  readonly message: string;
  /** `line 3, column 7`, or a JSON pointer. */
  readonly place: string;
}

export interface Parsed {
  readonly value: unknown;
  readonly syntax: 'json' | 'yaml';
  readonly warnings: readonly ParseWarning[];
}

/** YAML 1.2's core types and merge keys; no dates or binaries, so that every value is a JSON value. */
const SCHEMA = yaml.CORE_SCHEMA.extend({ implicit: [mergeType()] });

/** The merge key type is exported at run time, but its typing is not in the package's `Type` list. */
function mergeType(): yaml.Type {
  return new yaml.Type('tag:yaml.org,2002:merge', {
    kind: 'scalar',
    resolve: (data: unknown) => data === '<<',
  });
}

/** Throws `input` naming `where`, the place and a cure. `size` is that of the document in bytes. */
export function parseText(original: string, where: string, size: number): Parsed {
  const text = withoutCredentialShapes(original);
  const foreign = foreignText(text);
  if (foreign !== undefined) {
    throw new SourcewrightError('input', `This is ${foreign.what}, not an API description.`, {
      where,
      cure: foreign.cure,
    });
  }
  if (text.trim() === '') {
    throw new SourcewrightError('input', 'The description is empty.', {
      where,
      cure: 'Give an OpenAPI 3.x or Swagger 2.0 description in JSON or YAML.',
    });
  }
  const parsed = /^\s*[{[]/.test(text) ? parseJson(text, where) : parseYaml(text, where);
  const warnings = [...parsed.warnings, ...boundValue(parsed.value, where, size)];
  return { ...parsed, warnings };
}

function parseJson(text: string, where: string): Parsed {
  try {
    const value: unknown = JSON.parse(text);
    const duplicate = text.length <= MAX_DUPLICATE_SCAN ? duplicateKey(text) : undefined;
    return {
      value,
      syntax: 'json',
      warnings: duplicate === undefined ? [] : [duplicateWarning(text, duplicate)],
    };
  } catch (error) {
    const failure = jsonFailure(text, error);
    // Trailing commas, comments and single quotes are YAML's flow style as well: accept them with a warning.
    try {
      const lenient = parseYaml(text, where);
      const warning = { message: `Not strict JSON: ${failure.reason}.`, place: failure.place };
      return { ...lenient, warnings: [warning, ...lenient.warnings] };
    } catch {
      throw new SourcewrightError('input', `The JSON is broken: ${failure.reason}.`, {
        where,
        place: failure.place,
        cure: failure.cure,
        cause: error,
      });
    }
  }
}

function duplicateWarning(text: string, duplicate: { key: string; offset: number }): ParseWarning {
  return {
    message: `The key "${duplicate.key.slice(0, 80)}" stands twice in one object; the last one counts (there may be more such keys).`,
    place: placeOf(text, duplicate.offset),
  };
}

function jsonFailure(text: string, error: unknown): { reason: string; place: string; cure: string } {
  const message = error instanceof Error ? error.message : String(error);
  const reason = message
    .replace(/^JSON\.parse: /, '')
    .replace(/ in JSON at position \d+.*$/s, '')
    .replace(/, (?:\.\.\.)?".*$/s, '');
  const position = /at position (\d+)/.exec(message)?.[1];
  const offset = position === undefined ? undefined : Number(position);
  const atEnd =
    /end of JSON input/.test(message) || (offset !== undefined && offset >= text.trimEnd().length);
  if (atEnd || /Unterminated string/.test(message)) {
    return {
      reason: 'it ends in the middle of a value, so the file looks truncated',
      place: placeOf(text, text.trimEnd().length),
      cure: 'Download or save the whole file again.',
    };
  }
  const lower = reason.charAt(0).toLowerCase() + reason.slice(1);
  const at = offset ?? offsetOfToken(text, message);
  return {
    reason: lower.replace(/[.\s]+$/, ''),
    place: at === undefined ? 'position unknown' : placeOf(text, at),
    cure: 'Mend the file at that place, or save it again from its source.',
  };
}

/** Newer engines quote the surroundings instead of a position: find them again. */
function offsetOfToken(text: string, message: string): number | undefined {
  const quoted = /^Unexpected token .*?, (?:\.\.\.)?"(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1];
  if (quoted === undefined) return undefined;
  const at = text.indexOf(quoted);
  if (at < 0) return undefined;
  const token = /^Unexpected token '(.+?)'/su.exec(message)?.[1];
  const inside = token === undefined ? -1 : quoted.indexOf(token, Math.min(10, quoted.length - 1));
  return inside < 0 ? at : at + inside;
}

function parseYaml(text: string, where: string): Parsed {
  const warnings: ParseWarning[] = [];
  const clean = withoutControlCharacters(text, warnings);
  const options = { schema: SCHEMA, maxDepth: MAX_DEPTH };
  try {
    return { value: yaml.load(clean, options), syntax: 'yaml', warnings };
  } catch (error) {
    const failure = yamlFailure(error);
    const value = secondAttempt(clean, options, failure);
    if (value !== undefined) {
      return { value: value.value, syntax: 'yaml', warnings: [...warnings, value.warning] };
    }
    const tooDeep = /maxDepth|call stack/i.test(failure.reason);
    throw new SourcewrightError(
      'input',
      tooDeep
        ? `The YAML is nested deeper than ${MAX_DEPTH} levels.`
        : `The YAML is broken: ${failure.reason}.`,
      {
        where,
        place: failure.place,
        cure: tooDeep
          ? 'No real API description is that deep; give another file.'
          : 'Mend the file at that line, or save it again from its source.',
        cause: error,
      },
    );
  }
}

/** Things that another reader would refuse but whose meaning is plain: duplicate keys, several documents in one file. */
function secondAttempt(
  text: string,
  options: yaml.LoadOptions,
  failure: { reason: string; place: string },
): { value: unknown; warning: ParseWarning } | undefined {
  try {
    if (failure.reason.includes('duplicated mapping key')) {
      const message = 'A key stands twice in one mapping; the last one counts (there may be more such keys).';
      return {
        value: yaml.load(text, { ...options, json: true }),
        warning: { message, place: failure.place },
      };
    }
    if (failure.reason.includes('expected a single document')) {
      const [first] = yaml.loadAll(text, null, { ...options, json: true });
      const message = 'The file holds several YAML documents; only the first one is read.';
      return { value: first, warning: { message, place: failure.place } };
    }
  } catch {
    // The first failure is the better message.
  }
  return undefined;
}

function yamlFailure(error: unknown): { reason: string; place: string } {
  if (error instanceof yaml.YAMLException) {
    // `mark` is missing at run time for faults of the file as a whole.
    const mark = error.mark as yaml.Mark | undefined;
    const place = mark === undefined ? 'line 1' : `line ${mark.line + 1}, column ${mark.column + 1}`;
    return { reason: error.reason, place };
  }
  return { reason: error instanceof Error ? error.message : String(error), place: 'line 1' };
}

/** C0 controls but tab, line feed and carriage return: YAML forbids them, real files hold them in descriptions. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

function withoutControlCharacters(text: string, warnings: ParseWarning[]): string {
  const first = text.search(CONTROLS);
  if (first < 0) return text;
  warnings.push({ message: 'Control characters were left out.', place: placeOf(text, first) });
  return text.replace(CONTROLS, ' ');
}

/** `line L, column C` of an offset, 1-based. */
export function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const lines = before.split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

/**
 * Counts what a value unfolds to and how deep it is, so that everything after may recurse without care. Refuses YAML
 * aliases that unfold beyond measure or into themselves. Keys named `__proto__` are taken out.
 */
function boundValue(root: unknown, where: string, size: number): ParseWarning[] {
  const warnings: ParseWarning[] = [];
  const limit = MAX_ALIAS_VALUES + size / 2;
  let count = 0;
  const walk = (value: object, depth: number): void => {
    if (depth > MAX_DEPTH) {
      throw new SourcewrightError('input', `The description is nested deeper than ${MAX_DEPTH} levels.`, {
        where,
        cure: 'No real API description is that deep, or one of its YAML aliases holds itself; give another file.',
      });
    }
    const children: unknown[] = Array.isArray(value) ? value : Object.values(value);
    count += children.length;
    if (count > limit) {
      throw new SourcewrightError(
        'input',
        'The YAML aliases unfold to more values than any description has.',
        {
          where,
          cure: 'This is built like a "YAML bomb". Give a description without nested aliases.',
        },
      );
    }
    if (!Array.isArray(value) && Object.hasOwn(value, '__proto__')) {
      Reflect.deleteProperty(value, '__proto__');
      warnings.push({ message: 'A key named "__proto__" was left out.', place: '' });
    }
    for (const child of children) if (typeof child === 'object' && child !== null) walk(child, depth + 1);
  };
  if (typeof root === 'object' && root !== null) walk(root, 1);
  return warnings;
}
