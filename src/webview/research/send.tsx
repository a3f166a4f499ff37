/** What the person did, to the editor. */
import { act } from '../common/editor.ts';
import type { ResearchAction } from './contract.ts';

export function send(action: ResearchAction): void {
  act(action);
}
