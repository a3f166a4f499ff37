/** What descriptions say in words: numbers, dates and units in the text of parameters. */

/** The largest page that the text speaks of: "max 100", "between 1 and 100", "up to 500". */
export function statedMaximum(text: string): number | undefined {
  const patterns = [
    /\bmax(?:imum)?(?:\s+(?:value|number|page size|size|limit|allowed|of|is|results|items|records|per page|that can be returned|which can be returned|returned|supported|permitted))*\s*(?:is|of|:|=|are|to)?\s*`?\*{0,2}(\d[\d,]*)/i,
    /\b(?:up to|no more than|at most|not exceed(?:ing)?|cannot exceed|can't exceed|can not exceed|must not exceed|(?:never|not) be (?:larger|greater|more|higher) than|limited to|capped at|less than or equal to|upper limit (?:is|of)|not be greater than)\s+(?:a )?(?:maximum (?:of )?)?`?\*{0,2}(\d[\d,]*)/i,
    /\bbetween\s+`?\d+`?\s+(?:and|to)\s+`?(\d[\d,]*)/i,
    /\b(?:range|from|values?|allowed)\b[^.\d]{0,20}`?[01]`?\s*(?:-|–|to|\.\.+|and)\s*`?(\d[\d,]*)/i,
    /[[(]\s*[01]\s*(?:-|–|,|\.\.+)\s*(\d[\d,]*)\s*[\])]/,
    /(?:<=|≤)\s*(\d[\d,]*)/,
    /\b(\d[\d,]*)\s*(?:is the )?max(?:imum)?\b/i,
  ];
  return firstNumber(text, patterns);
}

export function statedDefault(text: string): number | undefined {
  return firstNumber(text, [
    /\bdefaults?(?:\s+(?:value|page size|size|limit|number))*\s*(?:is|of|:|=|to|are|\))*\s*`?\*{0,2}(\d[\d,]*)/i,
    /\b(\d[\d,]*)\s+(?:is the\s+|by\s+|\(by\s+)default/i,
  ]);
}

function firstNumber(text: string, patterns: readonly RegExp[]): number | undefined {
  for (const pattern of patterns) {
    const match = pattern.exec(text)?.[1];
    if (match === undefined) continue;
    const number = Number(match.replaceAll(',', ''));
    if (Number.isSafeInteger(number) && number > 0) return number;
  }
  return undefined;
}

/** 0 or 1 where the text says how pages are counted. */
export function statedFirstPage(text: string): 0 | 1 | undefined {
  if (
    /\b(zero|0)[- ]?(based|indexed)|index(ed)? (from|starts? (at|with|from)) (0|zero)|start(s|ing)? (at|from|with) (page )?`?(0|zero)\b|first page (is|has|=|being) (number |page )?`?(0|zero)\b|\(0\.\.n\)|0 is the first/i.test(
      text,
    )
  ) {
    return 0;
  }
  if (
    /\b(one|1)[- ]?(based|indexed)|start(s|ing)? (at|from|with) (page )?`?(1|one)\b|first page (is|has|=|being) (number |page )?`?(1|one)\b|1 is the first/i.test(
      text,
    )
  ) {
    return 1;
  }
  return undefined;
}

/** Longest window in days that the text allows: "maximum range of 31 days". */
export function statedMaxDays(text: string): number | undefined {
  const match =
    /\b(?:max(?:imum)?|at most|up to|no more than|not exceed(?:ing)?|longer than|limited to|within|greater than|exceed)\b[^.]{0,60}?(\d+)[- ]?(day|month|hour|year|week)s?\b/i.exec(
      text,
    );
  if (
    match?.[1] === undefined ||
    !/range|window|period|between|interval|span|difference|apart|from|date/i.test(text)
  )
    return undefined;
  const unit = { hour: 1 / 24, day: 1, week: 7, month: 30, year: 365 }[(match[2] ?? 'day').toLowerCase()];
  const days = Number(match[1]) * (unit ?? 1);
  return days > 0 ? days : undefined;
}

/** How the text and the schema of a point in time want it written. */
export function timeFormatOf(
  schema: { types: ReadonlySet<string>; format: string | undefined; pattern: string | undefined },
  text: string,
  example: unknown,
): 'date_time' | 'date' | 'unix_seconds' | 'unix_milliseconds' | undefined {
  const millis = /milli(?:second)?s?\b|\bms\b|epoch.?ms/i.test(text);
  const numeric = schema.types.has('integer') || (schema.types.has('number') && !schema.types.has('string'));
  if (
    /unix|epoch|seconds since|timestamp in seconds|posix/i.test(text) ||
    (numeric && /time|since|date|after|before|when/i.test(text))
  ) {
    const seen =
      typeof example === 'number'
        ? example
        : typeof example === 'string' && /^\d{10,}$/.test(example)
          ? Number(example)
          : undefined;
    if (numeric || /unix|epoch/i.test(text)) {
      if (/ISO.?8601|RFC.?3339/i.test(text) && !numeric) return 'date_time';
      return millis || (seen !== undefined && seen > 100_000_000_000) ? 'unix_milliseconds' : 'unix_seconds';
    }
  }
  if (numeric) return millis ? 'unix_milliseconds' : 'unix_seconds';
  if (schema.format === 'date-time') return 'date_time';
  if (schema.format === 'date') return 'date';
  if (/unix.?time|timestamp/i.test(schema.format ?? '')) return 'unix_seconds';
  if (typeof example === 'string') {
    if (/^\d{4}-\d{2}-\d{2}[T ]\d{2}/.test(example)) return 'date_time';
    if (/^\d{4}-\d{2}-\d{2}$/.test(example)) return 'date';
  }
  if (/date-?time|ISO.?8601|RFC.?3339|internet date|T\d{2}:\d{2}|HH:mm/i.test(text)) return 'date_time';
  if (/yyyy-mm-dd|\d{4}-\d{2}-\d{2}/i.test(text)) return 'date';
  return undefined;
}

/**
 * Whether the text of a parameter makes it what an operation is about, where nothing says if it must be given: "ID of the
 * conversation to retrieve members for", "must be the timestamp of an existing message". A filter is none.
 */
export function saysIsNeeded(text: string): boolean {
  if (/\b(filter|only|optional(ly)?|defaults?|if (given|set|specified|provided|omitted)|omit)\b/i.test(text))
    return false;
  // "Cursor indicating which id after which to start retrieving styles for", "ID of the user to search for".
  if (/\b(cursor|start(ing)?|exclusive|search|page|before|after)\b/i.test(text)) return false;
  const [first = ''] = text.trim().split(/(?<=[.!?])\s|\n/);
  if (/\b(id|identifier)\b.*\bto \w+ .*\b(for|from|of|about)\.?$/i.test(first)) return true;
  return /\bmust be (the|an?) [\w' ]+ of an existing\b/i.test(text);
}
