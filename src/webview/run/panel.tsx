/** The run view: where the pipeline stands. */
import { act } from '../common/editor.ts';
import { mount, type PanelProperties } from '../common/mount.tsx';
import { Button, FailureNote } from '../common/parts.tsx';
import { type RunAction, RunModel } from './contract.ts';

const send = (action: RunAction): void => {
  act(action);
};

function RunPanel({ model: { title, question, stages }, failure }: PanelProperties<RunModel>) {
  return (
    <>
      <h1>{title}</h1>
      <FailureNote failure={failure} />
      {question === null ? null : (
        <Button
          kind="primary"
          onPress={() => {
            send({ type: 'goToPendingApproval' });
          }}
        >
          Look and Decide
        </Button>
      )}
      <table>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">State</th>
            <th scope="col">Note</th>
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => (
            <tr key={stage.label}>
              <th scope="row">{stage.label}</th>
              <td>{stage.state}</td>
              <td>{stage.note}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

mount(RunModel, RunPanel);
