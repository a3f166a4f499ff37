/**
 * Ends a suite whose steps rest on each other with its first failure, and says so. Mocha's own `bail` of a suite
 * also ends the suites after it, without a word of the tests that were left out.
 */
export function restsOnTheLast(): void {
  let failed: string | undefined;
  beforeEach(() => {
    if (failed !== undefined) throw new Error(`Not run: the step before it failed (${failed}).`);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') failed ??= this.currentTest.title;
  });
}
