/**
 * Credentials that were forgotten in a description. Its examples and defaults are content and go into the brief and the
 * connector; what has the shape of a real provider's key does not get any further than the reader.
 */
const SHAPES: readonly RegExp[] = [
  /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,255}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{20,255}/g,
  /\b[sr]k_live_[A-Za-z0-9]{16,255}\b/g,
  /\bAIza[A-Za-z0-9_-]{35}\b/g,
  /\bsk-ant-[A-Za-z0-9_-]{20,255}/g,
  /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
];

/** The text with such values replaced by a placeholder. */
export function withoutCredentialShapes(text: string): string {
  return SHAPES.reduce((rest, shape) => rest.replace(shape, 'example-credential'), text);
}
