/** The same API as a declarative manifest of airbyte-cdk, as its connector builder would write it. */
import type { Lane } from './lanes.ts';
import { ROW_PROPERTIES } from './rows.ts';

/** What the documentation of the manifest offers for speed. Without it, two threads read. */
const CONCURRENCY = 16;
const DATE_TIME = '%Y-%m-%dT%H:%M:%SZ';

function requester(path: string, { server }: Lane, tuned: boolean): object {
  const waits = {
    type: 'DefaultErrorHandler',
    backoff_strategies: [{ type: 'WaitTimeFromHeader', header: 'Retry-After' }],
  };
  return {
    type: 'HttpRequester',
    url_base: "{{ config['base_url'] }}",
    path,
    http_method: 'GET',
    request_parameters: { limit: String(server.pageRows) },
    authenticator: { type: 'BearerAuthenticator', api_token: "{{ config['token'] }}" },
    ...(tuned && server.ratePerSecond !== null ? { error_handler: waits } : {}),
  };
}

function stream(name: string, path: string, lane: Lane, tuned: boolean, partitions: object = {}): object {
  const cursor = {
    type: 'DatetimeBasedCursor',
    cursor_field: 'updated_at',
    datetime_format: DATE_TIME,
    start_datetime: { type: 'MinMaxDatetime', datetime: '2020-01-01T00:00:00Z', datetime_format: DATE_TIME },
    start_time_option: {
      type: 'RequestOption',
      inject_into: 'request_parameter',
      field_name: 'updated_since',
    },
  };
  return {
    type: 'DeclarativeStream',
    name,
    primary_key: ['id'],
    retriever: {
      type: 'SimpleRetriever',
      requester: requester(path, lane, tuned),
      record_selector: {
        type: 'RecordSelector',
        extractor: { type: 'DpathExtractor', field_path: ['data'] },
      },
      paginator: {
        type: 'DefaultPaginator',
        page_token_option: { type: 'RequestOption', inject_into: 'request_parameter', field_name: 'cursor' },
        pagination_strategy: {
          type: 'CursorPagination',
          cursor_value: "{{ response['meta']['next'] }}",
          stop_condition: "{{ not response['meta']['next'] }}",
        },
      },
      ...partitions,
    },
    ...(lane.incremental ? { incremental_sync: cursor } : {}),
    schema_loader: { type: 'InlineSchemaLoader', schema: { type: 'object', properties: ROW_PROPERTIES } },
  };
}

function streams(lane: Lane, tuned: boolean): object[] {
  if (lane.server.layout !== 'accounts')
    return lane.streams.map((name) => stream(name, `/${name}`, lane, tuned));
  const accounts = stream('accounts', '/accounts', lane, tuned);
  const router = {
    type: 'SubstreamPartitionRouter',
    parent_stream_configs: [
      { type: 'ParentStreamConfig', parent_key: 'id', partition_field: 'account_id', stream: accounts },
    ],
  };
  const path = '/accounts/{{ stream_partition.account_id }}/events';
  return [accounts, stream('events', path, lane, tuned, { partition_router: router })];
}

/** The manifest; tuned with threads, and for a limited API with its budget and the wait that it asks for. */
export function manifest(lane: Lane, tuned: boolean): object {
  const { ratePerSecond } = lane.server;
  const policy = {
    type: 'MovingWindowCallRatePolicy',
    rates: [{ type: 'Rate', limit: ratePerSecond, interval: 'PT1S' }],
    matchers: [],
  };
  const level = {
    type: 'ConcurrencyLevel',
    default_concurrency: CONCURRENCY,
    max_concurrency: CONCURRENCY,
  };
  return {
    version: '7.39.1',
    type: 'DeclarativeSource',
    check: { type: 'CheckStream', stream_names: [lane.streams[0]] },
    streams: streams(lane, tuned),
    spec: {
      type: 'Spec',
      connection_specification: {
        type: 'object',
        properties: { base_url: { type: 'string' }, token: { type: 'string', airbyte_secret: true } },
      },
    },
    ...(tuned ? { concurrency_level: level } : {}),
    ...(tuned && ratePerSecond !== null ? { api_budget: { type: 'HTTPAPIBudget', policies: [policy] } } : {}),
  };
}

/** The configured catalog that asks for the lane's streams; any Airbyte source reads it, ours too. */
export function catalog({ streams: names, incremental }: Lane): object {
  const mode = incremental ? 'incremental' : 'full_refresh';
  return {
    streams: names.map((name) => ({
      stream: {
        name,
        json_schema: { type: 'object', properties: ROW_PROPERTIES },
        supported_sync_modes: incremental ? ['full_refresh', 'incremental'] : ['full_refresh'],
        ...(incremental ? { default_cursor_field: ['updated_at'], source_defined_cursor: true } : {}),
      },
      sync_mode: mode,
      destination_sync_mode: 'append',
      ...(incremental ? { cursor_field: ['updated_at'] } : {}),
    })),
  };
}

/** The state messages that a first read up to a moment would have left. */
export function savedState({ streams: names }: Lane, since: string): object[] {
  return names.map((name) => ({
    type: 'STREAM',
    stream: { stream_descriptor: { name }, stream_state: { updated_at: since } },
  }));
}
