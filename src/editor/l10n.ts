/**
 * What the person reads, in the language of the editor. Pure, so that words can be made without an editor: the composition
 * root hands over its `l10n.t`; without one (in tests, in the engine's bundle) the words stay English.
 */

export type Inserted = string | number | boolean;
/** As `vscode.l10n.t`: `{0}` in the message stands for the first of the others. */
export type Translate = (message: string, ...inserted: Inserted[]) => string;

let translate: Translate = (message, ...inserted) =>
  message.replace(/\{(\d+)\}/g, (place, index: string) => String(inserted[Number(index)] ?? place));

/** Called once, before anything is shown. */
export function speakBy(given: Translate): void {
  translate = given;
}

/** Words in the editor's language. The message is a literal, or one that `text` has marked: so they are found for the bundle. */
export function t(message: string, ...inserted: Inserted[]): string {
  return translate(message, ...inserted);
}

/** Marks a message of a table for the bundle; `t` says it when it is shown, for tables are made before languages are known. */
export function text<T extends string>(message: T): T {
  return message;
}
