export const BUNDLE: string;
export function gather(): Promise<{
  readonly messages: readonly string[];
  readonly problems: readonly string[];
}>;
export function bundleOf(messages: readonly string[]): string;
