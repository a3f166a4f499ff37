/** The pydantic model of one operation's parameters: every field typed, described and, where it is a number, bounded. */
import type { OperationParameter, ScalarType } from '../schema.ts';
import {
  DEFAULT_LIMIT,
  GREATEST_LIMIT,
  type PlannedField,
  type PlannedOperation,
  type Step,
} from './agent-face-plan.ts';
import {
  docstring,
  LINE_LENGTH,
  plainText,
  pythonValue,
  sentence,
  stringLines,
} from './agent-face-python.ts';

/** A description shorter than this, in characters, is no sentence. */
const SHORTEST_DESCRIPTION = 8;
/** Longest description of a parameter, in characters. */
const DESCRIPTION_LENGTH = 300;
/** Enumerations longer than this are described by their first values instead of listed as a type. */
const LONGEST_ENUM = 60;
const SHOWN_OF_LONG_ENUM = 20;

/** Bounds of whole numbers that the description leaves open: what fits in 64 bits. */
const LEAST_INTEGER = '-9_223_372_036_854_775_808';
const GREATEST_INTEGER = '9_223_372_036_854_775_807';
/** Bounds of fractions left open. */
const LEAST_NUMBER = '-1e15';
const GREATEST_NUMBER = '1e15';

/** Lines of the parameter model. */
export function paramsModel(planned: PlannedOperation): string[] {
  const fields = planned.fields.flatMap((field) => fieldLines(field, planned.previous));
  return [
    `class ${planned.paramsClass}(BaseModel):`,
    ...docstring('    ', `Parameters of ${planned.name}.`),
    '',
    `    model_config = ConfigDict(extra="forbid"${takesNumbersAsText(planned) ? ', coerce_numbers_to_str=True' : ''})`,
    ...(fields.length > 0 || planned.limitField !== undefined ? [''] : []),
    ...fields,
    ...limitLines(planned.limitField),
  ];
}

/** Whether an identifier that is a number in another operation's rows is a text in this one's path. */
function takesNumbersAsText({ previous }: PlannedOperation): boolean {
  return previous.some(({ from, column, field }) => {
    const type = from.columns.find((one) => one.name === column)?.type;
    return field.parameter.type === 'string' && (type === 'integer' || type === 'number');
  });
}

/** The type of a field in parts, since a long one takes several lines. */
interface FieldType {
  /** `str`, `int`, …, used where `literals` is absent. */
  readonly scalar: string;
  /** Python literals of an enumeration. */
  readonly literals?: readonly string[];
  readonly list: boolean;
  readonly optional: boolean;
  /** Keyword arguments of `Field`. */
  readonly constraints: readonly string[];
}

function limitLines(name: string | undefined): string[] {
  if (name === undefined) return [];
  const bounds = ['ge=1', `le=${String(GREATEST_LIMIT)}`];
  const type: FieldType = { scalar: 'int', list: false, optional: false, constraints: bounds };
  return declaration(name, type, String(DEFAULT_LIMIT), 'Most rows to return; pages are fetched as needed.');
}

function fieldLines({ name, parameter }: PlannedField, previous: readonly Step[]): string[] {
  const type = fieldType(parameter);
  const sources = previous.filter((step) => step.field.parameter === parameter).slice(0, 3);
  const hints = sources.map((step) => `From ${step.column} of ${step.from.name}.`);
  const description = [describe(parameter, type), ...hints].join(' ');
  return declaration(name, type, parameter.required ? undefined : 'None', description);
}

function declaration(
  name: string,
  type: FieldType,
  standard: string | undefined,
  description: string,
): string[] {
  return [
    ...annotation(name, type),
    `        ${standard === undefined ? '...' : `default=${standard}`},`,
    ...type.constraints.map((constraint) => `        ${constraint},`),
    ...stringLines('        ', 'description=', description, ','),
    '    )',
  ];
}

function annotation(name: string, type: FieldType): string[] {
  const none = type.optional ? ' | None' : '';
  const literals = type.literals;
  const scalar = literals === undefined ? type.scalar : `Literal[${literals.join(', ')}]`;
  const whole = `    ${name}: ${type.list ? `list[${scalar}]` : scalar}${none} = Field(`;
  if (whole.length <= LINE_LENGTH || literals === undefined) return [whole];
  return longAnnotation(name, type, literals);
}

/** An enumeration with a line per value, in brackets where `None` stands beside it. */
function longAnnotation(name: string, type: FieldType, literals: readonly string[]): string[] {
  const literal = (indent: string): string[] => [
    `${indent}Literal[`,
    ...literals.map((value) => `${indent}    ${value},`),
    `${indent}]`,
  ];
  const inner = (indent: string): string[] =>
    type.list ? [`${indent}list[`, ...literal(`${indent}    `), `${indent}]`] : literal(indent);
  const lines = type.optional ? ['    (', ...inner('        '), '        | None', '    )'] : inner('    ');
  return lines.map((line, index) => {
    const head = index === 0 ? `    ${name}: ${line.trimStart()}` : line;
    return index === lines.length - 1 ? `${head} = Field(` : head;
  });
}

function fieldType(parameter: OperationParameter): FieldType {
  const list = parameter.type === 'array';
  const scalarType = list ? (parameter.itemType ?? 'string') : parameter.type;
  const literals = enumLiterals(parameter);
  const constraints = literals === undefined && !list ? bounds(scalarType, parameter) : [];
  return {
    scalar: scalarName(scalarType),
    ...(literals === undefined ? {} : { literals }),
    list,
    optional: !parameter.required,
    constraints: [
      ...constraints,
      // An empty list or an empty path segment would silently ask for something else.
      ...(parameter.required &&
      (list || (parameter.in === 'path' && scalarType === 'string' && literals === undefined))
        ? ['min_length=1']
        : []),
    ],
  };
}

function scalarName(type: ScalarType): string {
  const names = { string: 'str', integer: 'int', number: 'float', boolean: 'bool', array: 'list[JsonValue]' };
  return type === 'object' ? 'dict[str, JsonValue]' : names[type];
}

/** Whether a parameter's enumeration becomes part of its type. */
export function enumerates(parameter: OperationParameter): boolean {
  return enumLiterals(parameter) !== undefined;
}

/** The values of an enumeration as Python literals; absent where Python's `Literal` can't hold them. */
function enumLiterals(parameter: OperationParameter): string[] | undefined {
  const values = [...new Set(parameter.enum ?? [])];
  if (values.length === 0 || values.length > LONGEST_ENUM) return undefined;
  const fits = values.every((value) => typeof value !== 'number' || Number.isSafeInteger(value));
  return fits ? values.map(pythonValue) : undefined;
}

function bounds(type: ScalarType, parameter: OperationParameter): string[] {
  const { minimum, maximum } = orderedBounds(parameter);
  if (type === 'integer') {
    const least = minimum === undefined ? LEAST_INTEGER : wholeNumber(Math.ceil(minimum), LEAST_INTEGER);
    const most =
      maximum === undefined ? GREATEST_INTEGER : wholeNumber(Math.floor(maximum), GREATEST_INTEGER);
    return [`ge=${least}`, `le=${most}`];
  }
  if (type === 'number') {
    return [
      `ge=${minimum === undefined ? LEAST_NUMBER : pythonValue(minimum)}`,
      `le=${maximum === undefined ? GREATEST_NUMBER : pythonValue(maximum)}`,
    ];
  }
  return [];
}

/** Bounds that exclude each other are a mistake of the description: neither is used. */
export function orderedBounds(parameter: OperationParameter): { minimum?: number; maximum?: number } {
  const { minimum, maximum } = parameter;
  const finite = (value: number | undefined): value is number =>
    value !== undefined && Number.isFinite(value);
  if (finite(minimum) && finite(maximum) && Math.ceil(minimum) > Math.floor(maximum)) return {};
  return { ...(finite(minimum) ? { minimum } : {}), ...(finite(maximum) ? { maximum } : {}) };
}

function wholeNumber(value: number, outside: string): string {
  return Number.isSafeInteger(value) ? String(value) : outside;
}

/** What is left of words when only letters and digits count: "Page size." and `page[size]` are the same. */
function letters(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

function describe(parameter: OperationParameter, type: FieldType): string {
  const text = sentence(plainText(parameter.description, DESCRIPTION_LENGTH));
  const named = `The API's parameter ${plainText(parameter.name, 80)}.`;
  // A word alone ("id"), or the name once more, tells an agent nothing that the name does not.
  const telling = text.length >= SHORTEST_DESCRIPTION && letters(text) !== letters(parameter.name);
  const notes = [text === '' ? named : telling ? text : `${text} ${named}`];
  const values = [...new Set(parameter.enum ?? [])];
  if (values.length > 0 && type.literals === undefined) {
    const shown = values.slice(0, SHOWN_OF_LONG_ENUM).map((value) => plainText(String(value), 60));
    notes.push(`One of ${shown.join(', ')}${values.length > shown.length ? ' and others' : ''}.`);
  }
  if (parameter.pattern !== undefined && parameter.pattern.length <= 80) {
    notes.push(`Pattern: ${plainText(parameter.pattern, 80)}`);
  }
  const standard = parameter.default;
  if (typeof standard === 'string' || typeof standard === 'number' || typeof standard === 'boolean') {
    notes.push(`The API's default: ${plainText(String(standard), 60)}.`);
  }
  return notes.join(' ');
}
