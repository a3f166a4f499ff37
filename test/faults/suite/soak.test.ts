/** A short soak; `npm run soak` is the long one. */
import { judge, soak } from '../../soak/runs.ts';

describe('runs one after the other and side by side', function () {
  this.timeout(600_000);

  it('leave no process, no descriptor, no timer, no temporary file and no lock behind', async () => {
    judge(await soak({ inTurn: 3, sideBySide: 2, batches: 1 }));
  });
});
