/** Mistakes that are planted into compiled connectors, each with the check that must fail because of it. */
import { mutants } from '../../python/mutants.ts';
import type { Edit } from './connectors.ts';

export interface Mistake {
  readonly name: string;
  /** Name of the connector's blueprint. */
  readonly connector: string;
  readonly edits: readonly Edit[];
  /** Without its `data.` in front. */
  readonly check: string;
}

/** Mistakes that the connectors' own tests are tried with too, by name. */
const SHARED: Readonly<Record<string, string>> = {
  'first-page-only': 'every-row-once',
  'page-off-by-one': 'every-page-once',
  'failed-page-swallowed': 'no-failed-page-is-swallowed',
  'circle-not-noticed': 'circles-are-an-error',
  'next-page-on-any-host': 'foreign-pages-are-refused',
  'retry-after-ignored': 'retry-after-is-obeyed',
  'retry-after-capped': 'a-used-up-quota-ends-at-once',
  'rate-limit-never-retried': 'throttling-ends',
  'server-error-never-retried': 'passing-failures-are-retried',
  'lost-connection-never-retried': 'lost-connections-are-retried',
  'refused-credentials-retried': 'errors-have-their-class',
  'secret-in-errors': 'secrets-are-nowhere',
  'secret-not-marked': 'secrets-are-marked',
  'boundary-is-strict': 'boundary-ticks-come-again',
  'filter-inverted': 'incremental-equals-full',
  'filter-never-sent': 'the-filter-is-sent',
  'state-never-saved': 'later-rows-are-read-next-time',
  'state-of-the-last-record': 'a-second-read-brings-news-only',
  'state-moved-by-a-failed-read': 'a-failed-read-loses-nothing',
  'child-read-twice': 'children-come-once',
  'missing-path-is-empty': 'an-error-body-is-no-success',
  'blank-row-ends-the-page': 'blank-rows-end-nothing',
  'unknown-fields-dropped': 'unknown-fields-are-kept',
  'token-never-renewed': 'expiring-tokens-are-renewed',
  'refused-token-kept': 'a-refused-token-is-renewed-once',
  'rotated-token-lost': 'rotated-tokens-are-handed-on',
  'limit-not-kept': 'known-limits-are-kept',
  'failed-stream-reported-complete': 'a-lasting-failure-ends-one-stream',
  'unknown-properties-accepted': 'misspelt-settings-are-refused',
  'empty-page-ends-the-cursor': 'an-empty-page-ends-nothing',
  'redirect-drops-the-method': 'own-redirects-keep-the-request',
  'key-twice-in-the-query': 'every-way-to-authenticate-reads',
  'look-back-ignored': 'the-look-back-reads-again',
  'state-goes-back': 'the-state-never-goes-back',
  'start-date-ignored': 'the-start-date-bounds-the-read',
  'wrong-path-is-an-empty-success': 'children-found-nowhere-are-an-error',
  'plain-text-on-standard-output': 'only-messages-are-printed',
  'more-under-way-than-configured': 'requests-at-once-are-bounded',
  'wait-holds-for-one-only': 'a-wait-holds-for-all-at-once',
  'no-more-not-heeded': 'no-more-is-heeded',
  'total-of-the-page-is-the-whole': 'a-total-of-the-page-ends-nothing',
  'retry-after-in-the-body-ignored': 'a-wait-in-the-body-is-obeyed',
  'gap-between-windows': 'windows-leave-no-gap',
  // Found by checks that look for something else, too.
  'filter-on-the-first-page-only': 'the-filter-is-sent',
  'password-in-base64-shown': 'secrets-are-nowhere',
  'numbers-compared-as-text': 'a-second-read-brings-news-only',
  'quote-not-doubled': 'every-row-once',
  'rotated-token-shown': 'secrets-are-nowhere',
  'time-zone-ignored': 'zones-are-told-apart',
  'milliseconds-sent-as-seconds': 'the-start-date-bounds-the-read',
  'times-in-seconds': 'only-messages-are-printed',
  'one-level-of-rows': 'every-row-once',
  'silent-row-not-asked': 'every-row-once',
  'inherited-value-lost': 'all-streams-in-one-read',
  'end-before-open-lists': 'every-row-once',
  'every-row-asked': 'leaves-are-not-asked',
  'signature-without-the-query': 'every-way-to-authenticate-reads',
  'statement-for-someone-else': 'check-succeeds',
  'page-counted-before-it-was-written': 'full-read-states-come-after-their-records',
  'pages-without-end-cut-silently': 'lists-without-end-are-an-error',
  'duplicate-headers-overwrite': 'columns-of-one-name-are-kept-apart',
};

function shared([name, check]: readonly [string, string]): Mistake {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant ${name} any more.`);
  return { name, connector: mutant.connector, edits: [mutant, ...(mutant.also ?? [])], check };
}

function own(
  name: string,
  check: string,
  connector: string,
  ...edits: (readonly [file: string, find: string, replace: string])[]
): Mistake {
  return { name, connector, check, edits: edits.map(([file, find, replace]) => ({ file, find, replace })) };
}

const OWN: readonly Mistake[] = [
  own('specification-without-fields', 'spec-is-valid', 'plain', [
    'connector.py',
    '"connectionSpecification": connection_specification(),',
    '"connectionSpecification": {"type": "object", "properties": [], "x": connection_specification()},',
  ]),
  own('check-always-succeeds', 'wrong-credentials-fail', 'issues', [
    'connector.py',
    '        if failure is not None:\n            raise failure',
    '        if failure is None:\n            return',
  ]),
  own('check-forgets-the-server', 'an-unreachable-api-fails-the-check', 'plain', [
    'connector.py',
    '        if failure is not None:\n            raise failure',
    '        if failure is None:\n            return',
  ]),
  own('cursor-not-in-the-catalog', 'discover-is-valid', 'issues', [
    'connector.py',
    'entry["default_cursor_field"] = list(incremental.cursor_field)',
    'entry["default_cursor_field"] = []',
  ]),
  own('wrong-key', 'declared-keys-tell-records-apart', 'shop', [
    'connector.py',
    '[list(path) for path in stream.primary_key]',
    '[["no_such_field"] for path in stream.primary_key]',
  ]),
  own('wrong-type', 'records-match-their-schema', 'shop', [
    'schemas/customers.json',
    '"integer"',
    '"boolean"',
  ]),
  own('type-of-some-parents', 'records-match-their-schema', 'outline', [
    'schemas/folders.json',
    '[\n        "integer",\n        "string"\n      ]',
    '"integer"',
  ]),
  own('a-single-row-is-a-heading', 'a-single-row-is-read', 'regions', [
    'records.py',
    '    if _OBJECTS.issuperset(map(type, rows)):',
    '    rows = rows if len(rows) > 1 else []\n    if _OBJECTS.issuperset(map(type, rows)):',
  ]),
  own('an-empty-list-breaks-it', 'an-empty-list-is-no-error', 'shop', [
    'pages.py',
    'received += len(rows)',
    'received += len(rows) or 1 // 0',
  ]),
  own('never-says-that-it-started', 'statuses-and-counts-agree', 'plain', [
    'connector.py',
    '    output.status(name, "STARTED")\n',
    '',
  ]),
  own('a-repeated-page-goes-on', 'an-ignored-page-is-no-loop', 'regions', [
    'pages.py',
    'if paging.numbered and previous is not None and rows and rows == previous.rows:',
    'if paging.numbered and previous is not None and rows and rows is previous.rows:',
  ]),
  own('a-gone-parent-ends-the-read', 'a-gone-parent-is-passed-over', 'shop', [
    'reader.py',
    'error.status != httpx.codes.NOT_FOUND:',
    'error.status != httpx.codes.GONE:',
  ]),
  own('refused-children-are-passed-over', 'refused-children-are-an-error', 'shop', [
    'reader.py',
    'error.status != httpx.codes.NOT_FOUND:',
    'error.status not in (400, 404):',
  ]),
  own('rows-read-in-circles', 'circles-of-rows-end', 'outline', [
    'recursion.py',
    'if key not in self._seen:',
    'if len(key) > 0:',
  ]),
  own('a-gone-row-ends-the-read', 'a-gone-row-takes-only-its-own', 'outline', [
    'reader.py',
    'error.status != httpx.codes.NOT_FOUND:',
    'error.status != httpx.codes.GONE:',
  ]),
  own('a-nonce-for-all', 'every-way-to-authenticate-reads', 'signed', [
    'signing.py',
    '"nonce": secrets.token_hex(16),',
    '"nonce": "0" * 32,',
  ]),
  own('statements-that-have-ended', 'check-succeeds', 'signed', [
    'tokens.py',
    'issued = int(channel.now()) - self._ISSUED_AGO',
    'issued = int(channel.now()) - 2 * self._lifetime',
  ]),
  own('password-in-the-wrong-field', 'check-succeeds', 'sessions', [
    'tokens.py',
    '{**self._login, self._field: ',
    '{**self._login, "word": ',
  ]),
  own('full-refresh-from-the-state', 'full-refresh-ignores-the-state', 'tickets', [
    'connector.py',
    'if sync_mode == "incremental" and stream.incremental is not None:',
    'if stream.incremental is not None:',
  ]),
  own('null-cursor-dropped', 'rows-without-cursor-are-kept', 'tickets', [
    'incremental.py',
    '        if value is not None:\n            if self.lower',
    '        if value is None:\n            return False\n        if value is not None:\n            if self.lower',
  ]),
  own('a-future-state-is-refused', 'a-future-state-is-no-error', 'tickets', [
    'connector.py',
    '        return StreamState(stream.incremental, state)\n',
    '        assert str(state) < "{\'created\': 1740"\n        return StreamState(stream.incremental, state)\n',
  ]),
  own(
    'state-before-its-records',
    'state-comes-after-its-records',
    'tickets',
    ['connector.py', '_CHECKPOINT_RECORDS = 1_000', '_CHECKPOINT_RECORDS = 0'],
    ['connector.py', '_RECORDS_PER_CURSOR * progress.size', '0'],
    [
      'reader.py',
      '                yield _Batch(piece.wanted(as_records(rows)))\n',
      '                found = piece.wanted(as_records(rows))\n                known = state or StreamState(stream.incremental)\n                yield _Batch(found, partial(known.commit, piece.greatest))\n',
    ],
  ),
  own('no-state-on-the-way', 'long-reads-are-checkpointed', 'ledger', [
    'connector.py',
    '_CHECKPOINT_RECORDS = 1_000',
    '_CHECKPOINT_RECORDS = 1_000_000',
  ]),
  own('parents-from-their-own-state', 'every-row-once', 'shop', [
    'reader.py',
    'for piece in full_pieces(stream.incremental, self._config, self._client.now()):',
    'for piece in pieces(stream.incremental, self._config, "2024-01-04", self._client.now()):',
  ]),
  own('refusals-retried', 'refusals-are-not-retried', 'plain', [
    'client.py',
    'raise ApiError(detail, status=status)',
    'raise TransientError(detail, status=status)',
  ]),
  own('html-is-an-empty-answer', 'no-json-is-an-error', 'plain', [
    'client.py',
    'raise ApiError(f"{shown} answered with {kind}, not valid JSON.") from None',
    'body = None if (shown, kind) else body',
  ]),
  own('always-the-same-wait', 'backoff-grows', 'plain', [
    'client.py',
    'float(min(2.0**state.attempt_number * share, LONGEST_WAIT / 2))',
    'float(min(1.0, share + 1.0))',
  ]),
  own('retry-after-date-ignored', 'retry-after-dates-are-obeyed', 'plain', [
    'client.py',
    'return max(parsedate_to_datetime(text).timestamp() - self.now(), 0.0)',
    'return 1.0 if parsedate_to_datetime(text) else 0.0',
  ]),
  own('limit-headers-ignored', 'limit-headers-are-heeded', 'crm', [
    'limits.py',
    'if headers.get(api.REMAINING_HEADER, "").strip() == "0":',
    'if headers.get(api.REMAINING_HEADER, "").strip() == "none":',
  ]),
  own('a-token-for-each-request', 'a-token-is-fetched-once', 'crm', [
    'tokens.py',
    'if self._is_stale or expired:',
    'if self._channel is not None or expired:',
  ]),
  own('an-unusable-catalog-is-empty', 'unusable-catalogs-are-refused', 'plain', [
    '__main__.py',
    'raise ConfigError(f"{path} is not a configured catalog.") from None',
    'return []',
  ]),
  own('keeps-every-answer', 'memory-does-not-grow-with-pages', 'regions', [
    'pages.py',
    '        received += len(rows)\n',
    '        received += len(rows)\n        read_pages.__dict__.setdefault("kept", []).append(answer)\n',
  ]),
  own('prints-as-it-goes', 'the-program-speaks-the-protocol', 'plain', [
    '__main__.py',
    '    arguments = _parser().parse_args(argv)\n',
    '    arguments = _parser().parse_args(argv)\n    print("Reading.")\n',
  ]),
  own('full-read-never-resumed', 'a-full-read-goes-on', 'files', [
    'progress.py',
    '            self.token = PageToken(dict(page["params"]), page["url"])\n',
    '            self.token = None\n',
  ]),
  own('ended-read-resumed', 'an-ended-full-read-begins-anew', 'files', [
    'progress.py',
    'the next read begins at the first one."""\n        self.clear()\n',
    'the next read begins at the first one."""\n',
  ]),
  own('gone-page-ends-the-read', 'a-page-that-is-gone-begins-anew', 'files', [
    'pages.py',
    'if resumes and previous is None and position is not None:',
    'if False:',
  ]),
  own('token-fetched-by-each', 'a-token-is-fetched-once', 'ledger', [
    'tokens.py',
    '        async with self._fetching:\n            expired',
    '        if True:\n            expired',
  ]),
  own('session-kept-when-refused', 'a-refused-token-is-renewed-once', 'sessions', [
    'tokens.py',
    'self._is_stale = self._is_stale or self._carries(request)',
    'pass',
  ]),
  own('one-stream-at-a-time', 'requests-at-once-are-bounded', 'tickets', [
    'connector.py',
    'asyncio.Semaphore(self._config.concurrency)',
    'asyncio.Semaphore(1)',
  ]),
  own('stopped-stream-says-nothing', 'sigterm-ends-with-the-state', 'tickets', [
    'connector.py',
    '        output.status(name, "INCOMPLETE")\n        raise\n',
    '        raise\n',
  ]),
  own('deaf-to-signals', 'sigterm-ends-with-the-state', 'tickets', [
    '__main__.py',
    'signal.SIGTERM, task.cancel)',
    'signal.SIGTERM, lambda: None)',
  ]),
  own('a-broken-page-ends-it', 'a-broken-page-is-read-again', 'plain', [
    'client.py',
    'except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:',
    'except httpx.TimeoutException as error:',
  ]),
];

export const MISTAKES: readonly Mistake[] = [...Object.entries(SHARED).map(shared), ...OWN];
