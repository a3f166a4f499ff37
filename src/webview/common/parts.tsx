/** Small parts that the panels share. Text is always text: nothing that a stranger wrote becomes markup. */
import type { ComponentChildren } from 'preact';
import type { Failure } from './mount.tsx';

/** What went wrong with the last thing that the person did; read out by screen readers. */
export function FailureNote({ failure }: { readonly failure: Failure | null }) {
  return (
    <div role="alert" class={failure === null ? 'failure empty' : 'failure'}>
      {failure === null ? null : `${failure.message} ${failure.cure ?? ''}`.trim()}
    </div>
  );
}

export interface ButtonProperties {
  readonly children: ComponentChildren;
  readonly onPress: () => void;
  readonly kind?: 'primary' | 'secondary';
  readonly disabled?: boolean;
  /** For screen readers, where the words on it are not enough. */
  readonly label?: string;
  readonly pressed?: boolean;
}

export function Button({
  children,
  onPress,
  kind = 'secondary',
  disabled,
  label,
  pressed,
}: ButtonProperties) {
  return (
    <button
      type="button"
      class={kind}
      disabled={disabled === true}
      aria-label={label}
      aria-pressed={pressed}
      onClick={onPress}
    >
      {children}
    </button>
  );
}
