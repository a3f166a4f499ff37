/** The configuration of a connector as its documents and tests show it: properties, examples. */
import type { AuthOption, Blueprint } from '../schema.ts';
import { configFields, credentialFields, type Field } from './configuration.ts';
import { code, text } from './documentation-markdown.ts';

/** Whether an option asks the person for something. */
export function asksForCredentials(option: AuthOption): boolean {
  return option.parts.some((part) => part.kind !== 'none');
}

/** Rows of a table: property, required, secret, meaning; Markdown. */
export function configRows(blueprint: Blueprint): string[][] {
  const options = blueprint.auth.filter(asksForCredentials);
  const several = blueprint.auth.length > 1;
  const rows: string[][] = [];
  if (options.length > 0) {
    const names = blueprint.auth.map((option) => code(option.name)).join(', ');
    rows.push([
      code('credentials.auth_type'),
      several ? 'yes' : 'no',
      'no',
      `Way to authenticate: ${names}.`,
    ]);
  }
  for (const option of options) {
    const place = several ? `With ${code(option.name)}: ` : '';
    for (const field of fieldsOf(option)) rows.push(row(`credentials.${field.name}`, field, place));
  }
  for (const field of configFields(blueprint)) rows.push(row(field.name, field, ''));
  rows.push([
    code('base_url'),
    'no',
    'no',
    `Address to use instead of ${code(blueprint.baseUrl)}: a proxy, a test server, another region.`,
  ]);
  return rows;
}

function row(path: string, field: Field, place: string): string[] {
  const words = text(field.description) || text(field.title) || '—';
  const standard = field.fallback === undefined ? '' : ` Default: ${code(field.fallback.flat)}.`;
  return [
    code(path),
    field.required ? 'yes' : 'no',
    field.secret ? 'yes' : 'no',
    `${place}${words}${standard}`,
  ];
}

/** Every field of an option's credentials object. */
export function fieldsOf(option: AuthOption): Field[] {
  return credentialFields(option).flatMap((part) => part.fields);
}

/** A configuration that a person completes: what is required, with the first way to authenticate. */
export function exampleConfig(blueprint: Blueprint): Record<string, unknown> {
  const config = requiredConfig(blueprint, (field) => field.name === 'start_date');
  const first = blueprint.auth.find(asksForCredentials);
  return first === undefined ? config : { credentials: exampleCredentials(first), ...config };
}

/** Examples of the required properties beside the credentials, and of others that are wanted. */
export function requiredConfig(
  blueprint: Blueprint,
  wanted: (field: Field) => boolean = () => false,
): Record<string, unknown> {
  const fields = configFields(blueprint).filter((field) => field.required || wanted(field));
  return Object.fromEntries(fields.map((field) => [field.name, example(blueprint, field)]));
}

function example(blueprint: Blueprint, field: Field): unknown {
  if (field.example !== undefined) return field.example;
  const variable = blueprint.serverVariables.find((one) => one.configKey === field.name);
  if (variable !== undefined) return variable.default ?? variable.enum?.[0] ?? field.name;
  const parameter = blueprint.streams
    .flatMap((stream) => stream.parameters)
    .find((one) => one.configKey === field.name);
  const first = parameter?.enum?.[0];
  if (first !== undefined) return first;
  switch (parameter?.type) {
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [field.name];
    case 'object':
      return {};
    default:
      return field.name;
  }
}

/** The `credentials` object of one option with placeholders. */
export function exampleCredentials(option: AuthOption): Record<string, unknown> {
  const required = fieldsOf(option).filter((field) => field.required);
  return { auth_type: option.name, ...Object.fromEntries(required.map(({ name }) => [name, `<${name}>`])) };
}
