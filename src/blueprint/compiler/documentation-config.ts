/** The configuration of a connector as its documents show it: properties, examples, steps to credentials. */
import type { Auth, AuthOption, Blueprint, Stream } from '../schema.ts';
import { code, text } from './documentation-markdown.ts';

export interface ConfigProperty {
  /** Path in the configuration, joined by dots. */
  readonly path: string;
  readonly required: boolean;
  readonly secret: boolean;
  /** Markdown. */
  readonly description: string;
  /** A value for examples. */
  readonly example: unknown;
}

/** The streams that the connector reads. */
export function selectedStreams(blueprint: Blueprint): Stream[] {
  return blueprint.streams.filter((stream) => stream.selected);
}

/** Whether an option asks the person for something. */
export function asksForCredentials(option: AuthOption): boolean {
  return option.parts.some((part) => part.kind !== 'none');
}

/** Every property of the configuration in the order of the spec. */
export function configProperties(blueprint: Blueprint): ConfigProperty[] {
  return [
    ...credentials(blueprint),
    ...serverVariables(blueprint),
    ...streamParameters(blueprint),
    ...startDate(blueprint),
    {
      path: 'base_url',
      required: false,
      secret: false,
      description: `Address to use instead of ${code(blueprint.baseUrl)}: a proxy, a test server, another region.`,
      example: blueprint.baseUrl,
    },
  ];
}

/** A configuration that a person completes: what is required, with the first way to authenticate. */
export function exampleConfig(blueprint: Blueprint): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  const first = blueprint.auth.find(asksForCredentials);
  if (first !== undefined) config['credentials'] = exampleCredentials(first);
  for (const property of configProperties(blueprint)) {
    if (property.path.startsWith('credentials') || property.path === 'base_url') continue;
    if (property.required || property.path === 'start_date') config[property.path] = property.example;
  }
  return config;
}

/** The `credentials` object of one option with placeholders. */
export function exampleCredentials(option: AuthOption): Record<string, unknown> {
  const fields = option.parts.flatMap(authFields).filter((field) => field.required);
  return {
    auth_type: option.name,
    ...Object.fromEntries(fields.map((field) => [field.name, `<${field.name}>`])),
  };
}

interface AuthField {
  readonly name: string;
  readonly required: boolean;
  readonly secret: boolean;
  readonly description: string;
}

/** The fields that one part of an option asks for. */
export function authFields(auth: Auth): AuthField[] {
  const secret = (name: string, description: string, required = true): AuthField => ({
    name,
    required,
    secret: true,
    description,
  });
  const client: AuthField[] = [
    {
      name: 'client_id',
      required: true,
      secret: false,
      description: 'Identifier of your OAuth application.',
    },
    secret('client_secret', 'Secret of your OAuth application.'),
  ];
  const tokenUrl = (standard: string): AuthField => ({
    name: 'token_url',
    required: false,
    secret: false,
    description: `Token endpoint instead of ${code(standard)}.`,
  });
  switch (auth.kind) {
    case 'none':
      return [];
    case 'api_key':
      return [secret('api_key', `Key, sent in the ${auth.in} ${code(auth.name)}.`)];
    case 'bearer':
      return [secret('access_token', 'Token, sent as a bearer token.')];
    case 'basic':
      return [
        {
          name: 'username',
          required: true,
          secret: false,
          description: `${text(auth.usernameLabel ?? 'User name')}.`,
        },
        secret('password', `${text(auth.passwordLabel ?? 'Password')}.`, auth.passwordRequired),
      ];
    case 'oauth2_client_credentials':
      return [...client, tokenUrl(auth.tokenUrl)];
    case 'oauth2_refresh_token':
      return [
        ...client,
        secret('refresh_token', 'Refresh token of the person on whose behalf to read.'),
        tokenUrl(auth.tokenUrl),
      ];
  }
}

function credentials(blueprint: Blueprint): ConfigProperty[] {
  const options = blueprint.auth.filter(asksForCredentials);
  if (options.length === 0) return [];
  const several = blueprint.auth.length > 1;
  const names = options.map((option) => code(option.name)).join(', ');
  const kind: ConfigProperty = {
    path: 'credentials.auth_type',
    required: several,
    secret: false,
    description: `Way to authenticate: ${names}.`,
    example: options[0]?.name,
  };
  const fields = options.flatMap((option) =>
    uniqueFields(option).map((field) => ({
      path: `credentials.${field.name}`,
      required: field.required,
      secret: field.secret,
      description: several ? `With ${code(option.name)}: ${field.description}` : field.description,
      example: `<${field.name}>`,
    })),
  );
  return [kind, ...fields];
}

function uniqueFields(option: AuthOption): AuthField[] {
  return [...new Map(option.parts.flatMap(authFields).map((field) => [field.name, field])).values()];
}

function serverVariables(blueprint: Blueprint): ConfigProperty[] {
  return blueprint.serverVariables.map((variable) => {
    const values =
      variable.enum === undefined ? '' : ` One of ${variable.enum.map((one) => code(one)).join(', ')}.`;
    const standard = variable.default === undefined ? '' : ` Default: ${code(variable.default)}.`;
    return {
      path: variable.configKey,
      required: variable.default === undefined,
      secret: false,
      description: `${text(variable.description) || `Part ${code(`{${variable.name}}`)} of the base URL.`}${values}${standard}`,
      example: variable.default ?? variable.enum?.[0] ?? `<${variable.configKey}>`,
    };
  });
}

function streamParameters(blueprint: Blueprint): ConfigProperty[] {
  const properties = new Map<string, ConfigProperty>();
  for (const stream of selectedStreams(blueprint)) {
    for (const parameter of stream.parameters) {
      const { configKey } = parameter;
      if (configKey === undefined || parameter.value !== undefined) continue;
      const known = properties.get(configKey);
      properties.set(configKey, {
        path: configKey,
        required: (known?.required ?? false) || parameter.required,
        secret: false,
        description:
          known?.description ??
          (text(parameter.description) || `The API's parameter ${code(parameter.name)}.`),
        example: parameter.enum?.[0] ?? `<${configKey}>`,
      });
    }
  }
  return [...properties.values()];
}

function startDate(blueprint: Blueprint): ConfigProperty[] {
  const incremental = selectedStreams(blueprint).flatMap((stream) => stream.incremental ?? []);
  if (incremental.length === 0) return [];
  return [
    {
      path: 'start_date',
      required: incremental.some((one) => one.required),
      secret: false,
      description: 'Where the first incremental read starts: a date or a time in ISO 8601, UTC.',
      example: '2024-01-01T00:00:00Z',
    },
  ];
}
