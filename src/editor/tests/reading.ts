/** Everything of the Test Explorer that reads text: part of the engine, for it is needed only once there are tests. */
export { findTests } from './find-tests.ts';
export { frameIn, readFailure } from './failure-text.ts';
export { idsToRun } from './selection.ts';
export { fileNode } from './test-tree.ts';
