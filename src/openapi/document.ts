/**
 * The shape of a description once it is read: OpenAPI 3.1, with the parts that rules look at. Every property may be
 * missing, for real documents leave out what the specification demands; but what is there has the type given here,
 * because the reader removes (and reports as a problem) whatever has not. Any object may be a `$ref` instead: go
 * through `Description.deref` before reading it.
 */

/** A reference object. In 3.1 a schema may carry further keywords beside its `$ref`. */
export interface Reference {
  $ref: string;
}
export type OrReference<T> = T | Reference;

export interface OpenApiDocument {
  openapi: string;
  info: InfoObject;
  /** As written: URLs may be relative to `Description.location`. Empty when the document names none. */
  servers: ServerObject[];
  paths: { [path: string]: PathItemObject };
  webhooks?: { [name: string]: PathItemObject };
  components: ComponentsObject;
  security?: SecurityRequirement[];
  tags?: { name?: string; description?: string }[];
  externalDocs?: { url?: string; description?: string };
  [key: `x-${string}`]: unknown;
}

export interface InfoObject {
  title?: string;
  version?: string;
  summary?: string;
  description?: string;
  termsOfService?: string;
  contact?: { name?: string; url?: string; email?: string };
  license?: { name?: string; url?: string; identifier?: string };
  [key: `x-${string}`]: unknown;
}

export interface ServerObject {
  url: string;
  description?: string;
  variables?: { [name: string]: { default?: string; enum?: string[]; description?: string } };
}

export interface ComponentsObject {
  schemas?: { [name: string]: SchemaObject };
  responses?: { [name: string]: OrReference<ResponseObject> };
  parameters?: { [name: string]: OrReference<ParameterObject> };
  examples?: { [name: string]: OrReference<ExampleObject> };
  requestBodies?: { [name: string]: OrReference<RequestBodyObject> };
  headers?: { [name: string]: OrReference<HeaderObject> };
  securitySchemes?: { [name: string]: OrReference<SecuritySchemeObject> };
  pathItems?: { [name: string]: PathItemObject };
}

/** Scheme name → scopes. All schemes of one requirement are sent together. */
export type SecurityRequirement = { [scheme: string]: string[] };

export const HTTP_METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

export type PathItemObject = {
  /** A whole path item may stand elsewhere. */
  $ref?: string;
  summary?: string;
  description?: string;
  servers?: ServerObject[];
  parameters?: OrReference<ParameterObject>[];
} & { [method in HttpMethod]?: OperationObject } & { [key: `x-${string}`]: unknown };

export interface OperationObject {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  deprecated?: boolean;
  parameters?: OrReference<ParameterObject>[];
  requestBody?: OrReference<RequestBodyObject>;
  /** Status code, `default` or a range (`2XX`) → response. */
  responses?: { [status: string]: OrReference<ResponseObject> };
  security?: SecurityRequirement[];
  servers?: ServerObject[];
  externalDocs?: { url?: string; description?: string };
  [key: `x-${string}`]: unknown;
}

export interface ParameterObject {
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  deprecated?: boolean;
  style?: string;
  explode?: boolean;
  schema?: SchemaObject;
  content?: { [mediaType: string]: MediaTypeObject };
  example?: unknown;
  examples?: { [name: string]: OrReference<ExampleObject> };
  [key: `x-${string}`]: unknown;
}

export type HeaderObject = Omit<ParameterObject, 'name' | 'in'>;

export interface RequestBodyObject {
  description?: string;
  required?: boolean;
  content?: { [mediaType: string]: MediaTypeObject };
}

export interface ResponseObject {
  description?: string;
  headers?: { [name: string]: OrReference<HeaderObject> };
  content?: { [mediaType: string]: MediaTypeObject };
  links?: { [name: string]: unknown };
  [key: `x-${string}`]: unknown;
}

export interface MediaTypeObject {
  schema?: SchemaObject;
  example?: unknown;
  examples?: { [name: string]: OrReference<ExampleObject> };
}

export interface ExampleObject {
  summary?: string;
  description?: string;
  value?: unknown;
  externalValue?: string;
}

/**
 * A JSON Schema object. Boolean schemas are read as `{}` (true) and `{ not: {} }` (false). `nullable: true` is turned
 * into a type list (or a `null` branch) wherever a `type`, `anyOf` or `oneOf` stands beside it; beside a bare `$ref` or
 * `allOf` it is left in place, so that no pointer moves.
 */
export interface SchemaObject {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  nullable?: boolean;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  properties?: { [name: string]: SchemaObject };
  patternProperties?: { [pattern: string]: SchemaObject };
  additionalProperties?: SchemaObject;
  required?: string[];
  items?: SchemaObject;
  prefixItems?: SchemaObject[];
  allOf?: SchemaObject[];
  anyOf?: SchemaObject[];
  oneOf?: SchemaObject[];
  not?: SchemaObject;
  discriminator?: { propertyName?: string; mapping?: { [value: string]: string } };
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  readOnly?: boolean;
  writeOnly?: boolean;
  deprecated?: boolean;
  $defs?: { [name: string]: SchemaObject };
  [key: `x-${string}`]: unknown;
}

export interface SecuritySchemeObject {
  /** `apiKey`, `http`, `oauth2`, `openIdConnect`, `mutualTLS`. */
  type?: string;
  description?: string;
  name?: string;
  in?: string;
  scheme?: string;
  bearerFormat?: string;
  flows?: {
    [flow in 'implicit' | 'password' | 'clientCredentials' | 'authorizationCode']?: OAuthFlowObject;
  };
  openIdConnectUrl?: string;
  [key: `x-${string}`]: unknown;
}

export interface OAuthFlowObject {
  authorizationUrl?: string;
  tokenUrl?: string;
  refreshUrl?: string;
  scopes?: { [scope: string]: string };
}
