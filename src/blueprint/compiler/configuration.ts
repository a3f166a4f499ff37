/** Emits `config.py`: what the person fills in, as Pydantic models, and how it turns into authenticators and a URL. */
import type { Auth, AuthOption, Blueprint, StreamParameter } from '../schema.ts';
import { plainText, sentence } from './agent-face-python.ts';
import { generatedStreams, isTime } from './features.ts';
import {
  call,
  dict,
  list,
  literal,
  path,
  print,
  raw,
  scalar,
  str,
  subscript,
  tuple,
  type Code,
} from './python.ts';

/** One property of the configuration or of a credentials object. */
export interface Field {
  readonly name: string;
  readonly type: Code;
  readonly required: boolean;
  /** Python expression of the default; absent = `None`. */
  readonly fallback?: Code;
  readonly secret: boolean;
  readonly title: string;
  readonly description: string;
  /** The values that are allowed, where only some are. */
  readonly values?: readonly unknown[] | undefined;
  readonly example?: string | number | boolean | undefined;
}

/** The fields that an option's parts ask for, each with its part; a name that is taken gets one of its own. */
export function credentialFields(
  option: AuthOption,
): { part: Auth; fields: Field[]; names: Map<string, string> }[] {
  const taken = new Set<string>(['auth_type']);
  return option.parts.map((part) => {
    const names = new Map<string, string>();
    const fields = partFields(part).map((field) => {
      let name = field.name;
      if (taken.has(name) && part.kind === 'api_key') name = pythonName(part.name);
      for (let number = 2; taken.has(name); number += 1) name = `${field.name}_${String(number)}`;
      taken.add(name);
      names.set(field.name, name);
      return { ...field, name };
    });
    return { part, fields, names };
  });
}

function pythonName(name: string): string {
  const snake = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z]/.test(snake) ? snake : `key_${snake}`;
}

function partFields(part: Auth): Field[] {
  switch (part.kind) {
    case 'none':
      return [];
    case 'api_key':
      return [
        secret(
          'api_key',
          'API key',
          `Sent as the ${part.in === 'query' ? 'query parameter' : part.in} ${part.name}.`,
        ),
      ];
    case 'bearer':
      return [secret('access_token', 'Access token', 'Sent as a bearer token.')];
    case 'basic':
      return [
        text('username', part.usernameLabel ?? 'User name', 'The first half of basic authentication.'),
        {
          ...secret('password', part.passwordLabel ?? 'Password', 'The second half of basic authentication.'),
          required: part.passwordRequired,
          ...(part.passwordRequired ? {} : { fallback: raw('SecretStr("")') }),
        },
      ];
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token':
      return [
        text('client_id', 'Client ID', 'Identifier of your OAuth application.'),
        secret('client_secret', 'Client secret', 'Secret of your OAuth application.'),
        ...(part.kind === 'oauth2_refresh_token'
          ? [
              secret(
                'refresh_token',
                'Refresh token',
                'Stands for the consent of the person whose data is read.',
              ),
            ]
          : []),
        fixedUrl('token_url', 'Token URL', 'Where access tokens are fetched.', part.tokenUrl),
      ];
    case 'jwt_bearer':
      return [
        text('issuer', part.issuerLabel ?? 'Issuer', 'Who signs: the name of the account or application.'),
        secret('private_key', 'Private key', 'The key to sign with, whole, with its first and last line.'),
        ...named(part.keyId, 'key_id', 'Key ID', 'Which of the account’s keys this is.'),
        ...named(part.subject, 'subject', 'Subject', 'The person on whose behalf data is read.'),
        ...(part.tokenUrl === undefined
          ? []
          : [fixedUrl('token_url', 'Token URL', 'Where access tokens are fetched.', part.tokenUrl)]),
      ];
    case 'session':
      return [
        text('username', 'User name', 'Sent once, to begin a session.'),
        secret('password', 'Password', 'Sent once, to begin a session.'),
        fixedUrl('login_url', 'Log-in URL', 'Where sessions begin.', part.loginUrl),
      ];
    case 'hmac':
      return [
        secret('api_key', 'API key', 'Says whose secret signs the requests.'),
        secret('api_secret', 'API secret', 'Signs the requests. It is never sent.'),
      ];
  }
}

function fixedUrl(name: string, title: string, description: string, url: string): Field {
  return { ...text(name, title, description), required: false, fallback: str(url) };
}

function named(
  asked: 'required' | 'optional' | 'none',
  name: string,
  title: string,
  description: string,
): Field[] {
  return asked === 'none'
    ? []
    : [{ ...text(name, title, description.replace('’', "'")), required: asked === 'required' }];
}

function text(name: string, title: string, description: string): Field {
  return { name, type: raw('str'), required: true, secret: false, title, description };
}

function secret(name: string, title: string, description: string): Field {
  return { ...text(name, title, description), type: raw('SecretStr'), secret: true };
}

/** Requests under way at once where the person says nothing: enough to hide an API's latency, few enough for most limits. */
const CONCURRENCY = 4;
const MOST_CONCURRENCY = 32;

/** The top-level properties, in the order in which a person should see them. */
export function configFields(blueprint: Blueprint): Field[] {
  const fields: Field[] = [];
  for (const variable of blueprint.serverVariables) {
    fields.push({
      name: variable.configKey,
      type: variable.enum === undefined ? raw('str') : literals(variable.enum),
      values: variable.default === undefined ? variable.enum : [variable.default],
      required: variable.default === undefined,
      ...(variable.default === undefined ? {} : { fallback: str(variable.default) }),
      secret: false,
      title: titled(variable.configKey),
      description: described(variable.description, `Part of the base URL: {${variable.name}}.`),
    });
  }
  for (const parameter of configurable(blueprint)) {
    fields.push({
      name: parameter.configKey,
      type: parameterType(parameter),
      values: parameter.enum,
      required: parameter.required,
      secret: false,
      title: titled(parameter.configKey),
      description: described(parameter.description, `The API's parameter ${parameter.name}.`),
    });
  }
  const timed = generatedStreams(blueprint).flatMap(({ incremental }) =>
    incremental !== undefined && isTime(incremental) ? [incremental] : [],
  );
  if (timed.length > 0) {
    fields.push(
      {
        name: 'start_date',
        type: raw('datetime'),
        required: timed.some((incremental) => incremental.required),
        secret: false,
        title: 'Start date',
        description:
          'Records that changed earlier are not read. A date or a time, UTC unless it says otherwise.',
        example: '2024-01-01T00:00:00Z',
      },
      {
        name: 'lookback_days',
        type: raw('int'),
        required: false,
        fallback: raw('0'),
        secret: false,
        title: 'Look-back in days',
        description: 'Read this many days before the saved state again, where an API shows changes late.',
      },
    );
  }
  fields.push({
    name: 'concurrency',
    type: raw('int'),
    required: false,
    fallback: raw(String(CONCURRENCY)),
    secret: false,
    title: 'Concurrent requests',
    description: 'How many requests may be under way at once. Fewer are kinder to an API with tight limits.',
  });
  return fields.filter((field, index) => fields.findIndex((other) => other.name === field.name) === index);
}

type Configurable = StreamParameter & { configKey: string };

/** Parameters of streams that the person fills; required if any stream requires it. */
function configurable(blueprint: Blueprint): Configurable[] {
  const found = new Map<string, Configurable>();
  for (const stream of generatedStreams(blueprint)) {
    for (const parameter of stream.parameters) {
      const { configKey } = parameter;
      if (configKey === undefined || parameter.value !== undefined) continue;
      const known = found.get(configKey);
      found.set(configKey, {
        ...(known ?? parameter),
        configKey,
        required: parameter.required || known?.required === true,
      });
    }
  }
  return [...found.values()];
}

function parameterType(parameter: StreamParameter): Code {
  if (parameter.enum !== undefined && parameter.enum.length > 0) return literals(parameter.enum);
  const types = {
    string: 'str',
    integer: 'int',
    number: 'float',
    boolean: 'bool',
    array: 'list[str]',
    object: 'dict[str, str]',
  };
  return raw(types[parameter.type]);
}

function literals(values: readonly (string | number | boolean)[]): Code {
  const unique = [...new Set(values)].filter((value) => typeof value !== 'number' || Number.isInteger(value));
  return subscript(
    'Literal',
    unique.map((value) => raw(typeof value === 'string' ? literal(value) : scalar(value).flat)),
  );
}

function titled(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function described(description: string | undefined, otherwise: string): string {
  return sentence(plainText(description, 300)) || otherwise;
}

// ------------------------------------------------------------------------------------------------------- the module

/** The text of `config.py`. */
export function configModule(blueprint: Blueprint): string {
  const options = blueprint.auth;
  const authenticated = options.some((option) => option.parts.some((part) => part.kind !== 'none'));
  const classes = authenticated ? options.map((option) => credentialsClass(option)) : [];
  const fields = configFields(blueprint);
  const body = [
    ...classes.map(({ lines }) => lines),
    configClass(
      blueprint,
      fields,
      classes.map(({ name }) => name),
    ),
  ];
  const code = body.join('\n\n');
  return `${imports(code)}\n\n\n${COMMON}\n\n\n${code}\n\n${TAIL}`;
}

function imports(code: string): string {
  const has = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(code);
  const authenticators = [
    'ApiKeyCookie',
    'ApiKeyHeader',
    'ApiKeyQuery',
    'Authenticator',
    'BasicAuth',
    'BearerToken',
  ].filter(has);
  const signers = ['Hmac', 'Signed'].filter(has);
  const tokens = ['ClientCredentials', 'RefreshToken', 'ServiceAccount', 'SessionLogin'].filter(has);
  const pydantic = [
    'BaseModel',
    'ConfigDict',
    'Field',
    ...(has('SecretStr') ? ['SecretStr'] : []),
    'ValidationError',
  ];
  const typing = ['Annotated', 'Any', 'Literal', 'Self'].filter((name) => name === 'Any' || has(name));
  return [
    '"""What the person fills in, and what the connector makes of it."""',
    '',
    ...(has('datetime') ? ['from datetime import datetime'] : []),
    `from typing import ${typing.join(', ')}`,
    'from urllib.parse import urlsplit',
    '',
    `from pydantic import ${[...pydantic, ...(has('field_validator') ? ['field_validator'] : [])].join(', ')}`,
    '',
    'from . import api',
    ...wrappedImport('from .auth import', authenticators),
    'from .errors import ConfigError',
    ...(signers.length === 0 ? [] : wrappedImport('from .signing import', signers)),
    ...(tokens.length === 0 ? [] : wrappedImport('from .tokens import', tokens)),
  ].join('\n');
}

function wrappedImport(head: string, names: readonly string[]): string[] {
  const line = `${head} ${names.join(', ')}`;
  return line.length <= 100 ? [line] : [`${head} (`, ...names.map((name) => `    ${name},`), ')'];
}

const COMMON = `class _Strict(BaseModel):
    # An unknown property is most often a misspelt one; an error must not show what was typed.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)`;

interface Class {
  readonly name: string;
  readonly lines: string;
}

function credentialsClass(option: AuthOption): Class {
  const name = `${pascal(option.name)}Credentials`;
  const parts = credentialFields(option);
  const fields = parts.flatMap((part) => part.fields);
  const made = parts.flatMap(({ part, names }) =>
    authenticator(part, (field) => `self.${names.get(field) ?? field}`),
  );
  const lines = [
    `class ${name}(_Strict):`,
    `    """${CLASS_SUMMARY[option.parts.length === 1 ? (option.parts[0]?.kind ?? 'none') : 'several']}"""`,
    '',
    `    auth_type: Literal[${literal(option.name)}] = ${literal(option.name)}`,
    ...fields.map((field) => fieldLine(field)),
    '',
    '    def authenticators(self) -> list[Authenticator]:',
    '        """Return what adds these credentials to requests."""',
    `        return ${print(list(made), '        ', 'return '.length)}`,
    '',
  ];
  return { name, lines: lines.join('\n') };
}

const CLASS_SUMMARY: Readonly<Record<Auth['kind'] | 'several', string>> = {
  none: 'Nothing: the API answers without credentials too.',
  api_key: 'A key.',
  bearer: 'A token.',
  basic: 'A user name and a password.',
  oauth2_client_credentials: 'An OAuth application of your own.',
  oauth2_refresh_token: "An OAuth application and a person's consent.",
  jwt_bearer: 'An account that signs for itself.',
  session: 'A user name and a password, for which the API gives a session.',
  hmac: 'A key, and a secret that signs each request.',
  several: 'What the API wants together.',
};

function authenticator(part: Auth, field: (name: string) => string): Code[] {
  switch (part.kind) {
    case 'none':
      return [];
    case 'api_key': {
      const names = { header: 'ApiKeyHeader', query: 'ApiKeyQuery', cookie: 'ApiKeyCookie' };
      const prefix = part.prefix === '' ? undefined : str(part.prefix);
      return [
        call(names[part.in], [
          [null, str(part.name)],
          [null, raw(field('api_key'))],
          ['prefix', prefix],
        ]),
      ];
    }
    case 'bearer':
      return [call('BearerToken', [[null, raw(field('access_token'))]])];
    case 'basic':
      return [
        call('BasicAuth', [
          [null, raw(field('username'))],
          [null, raw(field('password'))],
        ]),
      ];
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token': {
      const refresh = part.kind === 'oauth2_refresh_token';
      const scopes = part.scopes.length === 0 ? undefined : part.scopes;
      return [
        call(refresh ? 'RefreshToken' : 'ClientCredentials', [
          [null, raw(field('token_url'))],
          [null, raw(field('client_id'))],
          [null, raw(field('client_secret'))],
          [null, refresh ? raw(field('refresh_token')) : undefined],
          ['scopes', scopes === undefined ? undefined : tuple(scopes.map((scope) => str(scope)))],
          ['basic', raw(part.clientAuthentication === 'basic' ? 'True' : 'False')],
        ]),
      ];
    }
    case 'jwt_bearer':
    case 'session':
    case 'hmac':
      return [fetchedOrSigned(part, field)];
  }
}

function fetchedOrSigned(
  part: Extract<Auth, { kind: 'jwt_bearer' | 'session' | 'hmac' }>,
  field: (name: string) => string,
): Code {
  const texts = (values: readonly string[]): Code | undefined =>
    values.length === 0 ? undefined : tuple(values.map((value) => str(value)));
  switch (part.kind) {
    case 'jwt_bearer': {
      const audience = part.audience ?? (URL.canParse(part.tokenUrl ?? '') ? part.tokenUrl : undefined);
      return call('ServiceAccount', [
        [null, raw(field('issuer'))],
        [null, raw(field('private_key'))],
        ['algorithm', str(part.algorithm)],
        ['lifetime', scalar(part.lifetimeSeconds)],
        // A proxy may stand for the token URL: the statement is meant for the API all the same.
        ['audience', audience === undefined ? undefined : str(audience)],
        ['token_url', part.tokenUrl === undefined ? undefined : raw(field('token_url'))],
        ['scopes', texts(part.scopes)],
        ['key_id', part.keyId === 'none' ? undefined : raw(field('key_id'))],
        ['subject', part.subject === 'none' ? undefined : raw(field('subject'))],
      ]);
    }
    case 'session':
      return call('SessionLogin', [
        [null, raw(field('login_url'))],
        [
          null,
          dict([
            ...Object.entries(part.fields).map(([name, value]) => [name, str(value)] as const),
            [part.usernameField, raw(field('username'))],
          ]),
        ],
        [null, raw(field('password'))],
        ['field', str(part.passwordField)],
        ['as_form', part.encoding === 'form' ? raw('True') : undefined],
        ['answer_path', part.tokenPath === undefined ? undefined : path(part.tokenPath)],
        ['answer_cookie', part.tokenCookie === undefined ? undefined : str(part.tokenCookie)],
        ['header', part.sentIn === 'header' ? str(part.name) : raw('None')],
        ['cookie', part.sentIn === 'cookie' ? str(part.name) : undefined],
        ['prefix', part.prefix === '' ? undefined : str(part.prefix)],
        ['lifetime', part.lifetimeSeconds === undefined ? undefined : scalar(part.lifetimeSeconds)],
      ]);
    case 'hmac':
      return call('Hmac', [
        [null, raw(field('api_key'))],
        [null, raw(field('api_secret'))],
        ['algorithm', str(part.algorithm)],
        ['message', str(part.message)],
        [
          'sent',
          tuple(
            part.sent.map((one) =>
              call('Signed', [
                [null, str(one.in)],
                [null, str(one.name)],
                [null, str(one.value)],
              ]),
            ),
          ),
        ],
        ['encoding', part.encoding === 'hex' ? undefined : str(part.encoding)],
        ['written_as', part.secretEncoding === 'text' ? undefined : str(part.secretEncoding)],
        ['timestamp_format', part.timestampFormat === 'unix_seconds' ? undefined : str(part.timestampFormat)],
      ]);
  }
}

/** `snake_case` as `PascalCase`. */
export function pascal(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function fieldLine(field: Field): string {
  const required = field.required;
  const optional = !required && field.fallback === undefined;
  const type = optional ? { flat: `${field.type.flat} | None` } : field.type;
  const bound = /^(str|SecretStr)$/.test(field.type.flat) && required ? raw('1') : undefined;
  const extra = field.secret ? dict([['airbyte_secret', raw('True')]]) : undefined;
  const value = call('Field', [
    ['default', required ? undefined : (field.fallback ?? raw('None'))],
    ['title', str(field.title)],
    ['description', str(field.description)],
    ['min_length', bound],
    ['ge', field.name === 'lookback_days' ? raw('0') : field.name === 'concurrency' ? raw('1') : undefined],
    ['le', field.name === 'concurrency' ? raw(String(MOST_CONCURRENCY)) : undefined],
    ['examples', field.example === undefined ? undefined : list([scalar(field.example)])],
    ['json_schema_extra', extra],
  ]);
  const head = `${field.name}: ${type.flat.length > 70 ? print(type, '    ', field.name.length + 2) : type.flat} = `;
  return `    ${head}${print(value, '    ', head.length)}`;
}

function configClass(blueprint: Blueprint, fields: readonly Field[], credentials: readonly string[]): string {
  const open = blueprint.auth.find((option) => option.parts.every((part) => part.kind === 'none'));
  const lines = ['class Config(_Strict):', '    """The configuration."""', ''];
  if (credentials.length > 0) lines.push(...credentialsField(credentials, open));
  lines.push(...fields.map((field) => fieldLine(field)));
  lines.push(
    `    base_url: str | None = ${print(
      call('Field', [
        ['default', raw('None')],
        ['title', str('Base URL')],
        [
          'description',
          str(
            'Address to use instead of the API’s own: a proxy, a test server, another region.'.replace(
              '’',
              "'",
            ),
          ),
        ],
        ['pattern', raw('r"^https?://[^/\\s]+"')],
      ]),
      '    ',
      'base_url: str | None = '.length,
    )}`,
    '',
    ...methods(blueprint, credentials.length > 0),
  );
  return lines.join('\n');
}

function credentialsField(names: readonly string[], open: AuthOption | undefined): string[] {
  if (names.length === 1) {
    return [`    credentials: ${names[0] ?? ''} = Field(title="Credentials")`];
  }
  const value = call('Field', [
    ['default_factory', open === undefined ? undefined : raw(`${pascal(open.name)}Credentials`)],
    ['title', str('Credentials')],
    ['discriminator', str('auth_type')],
  ]);
  const union = `credentials: ${names.join(' | ')} = `;
  if (union.length + value.flat.length <= 96) return [`    ${union}${value.flat}`];
  const oneLine = names.join(' | ');
  const inBrackets =
    oneLine.length <= 92 ? `(\n        ${oneLine}\n    )` : `(\n        ${names.join('\n        | ')}\n    )`;
  const type = `    credentials: ${oneLine} = Field(`.length <= 100 ? oneLine : inBrackets;
  return [`    credentials: ${type} = ${value.broken?.('    ') ?? value.flat}`];
}

function methods(blueprint: Blueprint, authenticated: boolean): string[] {
  const variables = blueprint.serverVariables;
  const lines = [
    '    def resolved_base_url(self) -> str:',
    '        """Return the URL that all paths are below, without a slash at its end."""',
  ];
  if (variables.length === 0) {
    lines.push('        return _usable(self.base_url or api.BASE_URL)');
  } else {
    lines.push('        url = api.BASE_URL');
    for (const variable of variables) {
      lines.push(`        url = url.replace(${literal(`{${variable.name}}`)}, self.${variable.configKey})`);
    }
    lines.push('        return _usable(self.base_url or url)');
  }
  lines.push(
    '',
    '    def authenticators(self) -> list[Authenticator]:',
    '        """Return what makes requests authentic."""',
  );
  lines.push(authenticated ? '        return self.credentials.authenticators()' : '        return []');
  if (blueprint.auth.some((option) => option.parts.some((part) => part.kind === 'oauth2_refresh_token'))) {
    lines.push(...rotation(blueprint.auth));
  }
  lines.push('');
  return lines;
}

function rotation(options: readonly AuthOption[]): string[] {
  const rotating = options.filter((option) =>
    option.parts.some((part) => part.kind === 'oauth2_refresh_token'),
  );
  const classes = rotating.map((option) => `${pascal(option.name)}Credentials`);
  const guard =
    options.length === rotating.length
      ? []
      : [
          `        if not isinstance(self.credentials, ${classes.length === 1 ? (classes[0] ?? '') : `(${classes.join(', ')})`}):`,
          '            return self',
        ];
  return [
    '',
    '    def with_refresh_token(self, refresh_token: str) -> Self:',
    '        """Return the configuration with a refresh token that replaces the one in it."""',
    ...guard,
    '        rotated = {"refresh_token": SecretStr(refresh_token)}',
    '        return self.model_copy(update={"credentials": self.credentials.model_copy(update=rotated)})',
    '',
    '    def plain(self) -> dict[str, Any]:',
    '        """Return the configuration as JSON with its secrets: for the platform that keeps it only."""',
    '        plain = self.model_dump(mode="json", exclude_unset=True)',
    '        for name, value in self.credentials:',
    '            if isinstance(value, SecretStr):',
    '                plain["credentials"][name] = value.get_secret_value()',
    '        return plain',
  ];
}

const TAIL = `
def _usable(url: str) -> str:
    if not urlsplit(url).hostname or "{" in url:
        raise ConfigError(f"{url} is not a usable address. Set base_url.")
    return url.rstrip("/")


def describe_errors(error: ValidationError) -> str:
    """Return what is wrong with a configuration without showing any of its values."""
    problems = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in problem["loc"]) or "the whole"
        problems.append(f"{place}: {problem['msg']}")
    return "; ".join(problems)


def connection_specification() -> dict[str, Any]:
    """Return the JSON schema of the configuration, self-contained, as platforms draw forms from it."""
    schema = Config.model_json_schema()
    definitions = schema.pop("$defs", {})
    flat: dict[str, Any] = _inlined(schema, definitions)
    for order, field in enumerate(flat["properties"].values()):
        field["order"] = order
    return {"$schema": "http://json-schema.org/draft-07/schema#", **flat}


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Replace references by what they point to, and "or null" by the thing itself."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        others = {key: value for key, value in node.items() if key != "$ref"}
        return _inlined({**definitions[name], **others}, definitions)
    choices = [item for item in node.get("anyOf", []) if item != {"type": "null"}]
    if len(choices) == 1:
        others = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
        return _inlined({**choices[0], **others}, definitions)
    flat = {key: _inlined(value, definitions) for key, value in node.items()}
    if "oneOf" in flat:
        flat.pop("discriminator", None)
        flat["type"] = "object"
    return flat
`.trimStart();
