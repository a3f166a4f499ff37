/** From bytes to text: finds the encoding, and says what a file is when it is no text. */
import { SourcewrightError } from '../errors.ts';

export interface DecodedText {
  readonly text: string;
  /** Set when bytes had to be guessed at. */
  readonly warning?: string;
}

const DESCRIPTION_CURE = 'Give an OpenAPI 3.x or Swagger 2.0 description in JSON or YAML.';

/** Signatures of files that people hand over by mistake, with what to do. */
const BINARY_KINDS: readonly { bytes: readonly number[]; what: string; cure: string }[] = [
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: 'a ZIP archive',
    cure: 'Unpack it and give the description inside.',
  },
  { bytes: [0x1f, 0x8b], what: 'a gzip archive', cure: 'Unpack it and give the description inside.' },
  { bytes: [0x25, 0x50, 0x44, 0x46], what: 'a PDF document', cure: DESCRIPTION_CURE },
  { bytes: [0x89, 0x50, 0x4e, 0x47], what: 'a PNG image', cure: DESCRIPTION_CURE },
  { bytes: [0xff, 0xd8, 0xff], what: 'a JPEG image', cure: DESCRIPTION_CURE },
];

/** The text of `bytes` (UTF-8, UTF-16 either way, with or without a byte order mark). Throws `input` for what is no text. */
export function decodeText(bytes: Uint8Array, where: string): DecodedText {
  if (bytes.length === 0) {
    throw new SourcewrightError('input', 'The description is empty.', { where, cure: DESCRIPTION_CURE });
  }
  const kind = BINARY_KINDS.find(({ bytes: signature }) => signature.every((byte, i) => bytes[i] === byte));
  if (kind !== undefined) {
    throw new SourcewrightError('input', `This is ${kind.what}, not an API description.`, {
      where,
      cure: kind.cure,
    });
  }
  const wide = wideEncoding(bytes);
  if (wide !== undefined) return { text: new TextDecoder(wide).decode(bytes) };
  const zero = bytes.subarray(0, 65_536).indexOf(0);
  if (zero >= 0) {
    throw new SourcewrightError('input', 'This is a binary file, not an API description.', {
      where,
      place: `byte ${zero}`,
      cure: DESCRIPTION_CURE,
    });
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return {
      text: new TextDecoder('windows-1252').decode(bytes),
      warning: 'Not valid UTF-8; read as Windows-1252, so letters outside ASCII may be wrong.',
    };
  }
}

function wideEncoding(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  // Without a mark: ASCII letters in UTF-16 have every other byte zero.
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) return 'utf-16le';
  if (first === 0 && second !== 0 && third === 0 && fourth !== 0) return 'utf-16be';
  return undefined;
}

/** How an HTML page is named in the error that refuses it. */
export const HTML_PAGE = 'an HTML page';

/** What a text is when it plainly is no JSON or YAML description, or undefined. `cure` says what to do with it. */
export function foreignText(text: string): { what: string; cure: string } | undefined {
  const head = text.slice(0, 4096).trimStart();
  if (/^(<!doctype html|<html[\s>]|<head[\s>]|<body[\s>]|<!--[\s\S]{0,2000}?<html[\s>])/i.test(head)) {
    return {
      what: HTML_PAGE,
      cure:
        'Open the page and look for a link to the description, often called openapi.json, swagger.json or ' +
        'openapi.yaml (Swagger UI shows it under the title), and give that link; or give this page as documentation.',
    };
  }
  if (head.startsWith('<')) {
    const xml = /<(?:\w+:)?definitions[\s>]/.test(head)
      ? 'a WSDL (SOAP) description'
      : /<(?:\w+:)?application[\s>]/.test(head)
        ? 'a WADL description'
        : 'an XML document';
    return { what: xml, cure: DESCRIPTION_CURE };
  }
  if (head.startsWith('#%RAML')) {
    return { what: 'a RAML description', cure: 'Convert it to OpenAPI first; RAML is not read.' };
  }
  if (/^FORMAT:\s*1A/i.test(head)) {
    return { what: 'an API Blueprint', cure: 'Convert it to OpenAPI first; API Blueprint is not read.' };
  }
  if (isGraphql(head)) {
    return {
      what: 'a GraphQL schema',
      cure: 'GraphQL is not read; give the description of a REST API.',
    };
  }
  if (/^syntax\s*=\s*["']proto[23]["']/m.test(head)) {
    return { what: 'a Protocol Buffers file', cure: 'gRPC is not read; give the description of a REST API.' };
  }
  return undefined;
}

/** Whether the first thing after comments and descriptions is a definition of a GraphQL schema. */
function isGraphql(head: string): boolean {
  let at = 0;
  for (;;) {
    at += /^\s*/.exec(head.slice(at))?.[0].length ?? 0;
    const mark = head.startsWith('#', at) ? '\n' : head.startsWith('"""', at) ? '"""' : undefined;
    if (mark === undefined) break;
    const end = head.indexOf(mark, at + mark.length);
    if (end < 0) return false;
    at = end + mark.length;
  }
  const [line = ''] = head.slice(at).split('\n', 1);
  const definition = /^(extend )?(schema|type|scalar|interface|directive|enum|input|union)\b[^:]*(\{|$)/;
  return definition.test(line) && head.includes('{');
}
