/** The research panel. */
import { mount, type PanelProperties } from '../common/mount.tsx';
import { FailureNote } from '../common/parts.tsx';
import { ResearchModel } from './contract.ts';

function ResearchPanel({ model: { title }, failure }: PanelProperties<ResearchModel>) {
  return (
    <>
      <h1>{title}</h1>
      <FailureNote failure={failure} />
    </>
  );
}

mount(ResearchModel, ResearchPanel);
