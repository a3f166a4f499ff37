/** The review panel. */
import { mount, type PanelProperties } from '../common/mount.tsx';
import { FailureNote } from '../common/parts.tsx';
import { ReviewModel } from './contract.ts';

function ReviewPanel({ model: { title }, failure }: PanelProperties<ReviewModel>) {
  return (
    <>
      <h1>{title}</h1>
      <FailureNote failure={failure} />
    </>
  );
}

mount(ReviewModel, ReviewPanel);
