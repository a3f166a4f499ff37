/** The configuration that a connector's tests use, and what the API must receive because of it. */
import type { Blueprint, Stream } from '../schema.ts';
import { configFields, type Field } from './configuration.ts';

/** Every property set, but the optional ones that narrow a read; with the first way to authenticate. */
export function configValues(blueprint: Blueprint): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const field of configFields(blueprint)) {
    const narrows = ['start_date', 'lookback_days', 'concurrency'].includes(field.name);
    if (!narrows || field.required) config[field.name] = valueOf(field);
  }
  if (!/^https?:\/\/[^/]/.test(blueprint.baseUrl)) config['base_url'] = 'https://api.example.test';
  return config;
}

function valueOf(field: Field): unknown {
  if (field.name === 'start_date') return '2024-01-01T00:00:00Z';
  if (field.values?.[0] !== undefined) return field.values[0];
  switch (field.type.flat) {
    case 'int':
      return 7;
    case 'float':
      return 7.5;
    case 'bool':
      return true;
    case 'list[str]':
      return ['one', 'two'];
    case 'dict[str, str]':
      return { key: 'value' };
    default:
      return `some-${field.name.replaceAll('_', '-')}`;
  }
}

/** The base URL with the test configuration's values in it. */
export function resolvedBaseUrl(blueprint: Blueprint, config: Record<string, unknown>): string {
  let url = typeof config['base_url'] === 'string' ? config['base_url'] : blueprint.baseUrl;
  for (const variable of blueprint.serverVariables) {
    url = url.replaceAll(`{${variable.name}}`, String(config[variable.configKey]));
  }
  return url.replace(/\/+$/, '');
}

/** The fixed parameters that each request of a stream must carry, and the query that its path holds itself. */
export function sentParameters(
  stream: Stream,
  config: Record<string, unknown>,
): { name: string; in: string; value: unknown }[] {
  const sent: { name: string; in: string; value: unknown }[] = [];
  for (const [name, value] of new URLSearchParams(stream.path.split('?')[1] ?? '')) {
    sent.push({ name, in: 'query', value });
  }
  for (const parameter of stream.parameters) {
    const configured = parameter.configKey === undefined ? undefined : config[parameter.configKey];
    const value = parameter.value ?? configured;
    if (value !== undefined) sent.push({ name: parameter.name, in: parameter.in, value });
  }
  return sent;
}
