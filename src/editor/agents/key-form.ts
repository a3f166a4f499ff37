/**
 * Why a text can't be an API key, in words; undefined = it may be one. The form of a key is not ours to know (gateways
 * hand out their own), so only what can't be sent, or was plainly copied along, is refused.
 */
import { t } from '../l10n.ts';

export function keyProblem(text: string): string | undefined {
  const key = text.trim();
  if (key === '') return t('Paste the key.');
  if (/\s/.test(key)) return t('There is a blank or a line break in it: paste the key alone, in one piece.');
  if (/^(export)?[A-Z_]+=/.test(key)) return t('Paste the key alone, without the name of the variable.');
  if (/^["'`]|["'`]$/.test(key)) return t('Paste the key alone, without quotation marks.');
  if (!/^[\x21-\x7e]+$/.test(key)) return t('There is a character in it that no key holds.');
  if (key.length < 16) return t('This is too short for a key.');
  return undefined;
}
