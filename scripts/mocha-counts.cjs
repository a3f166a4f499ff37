// A mocha reporter: prints as `spec` does and writes the numbers to the file named by SOURCEWRIGHT_TEST_COUNTS, so that
// scripts/test.mjs can add them up. A test marked as pending counts as failed there: nothing skips in silence.
'use strict';
const { writeFileSync } = require('node:fs');
const process = require('node:process');
const { Runner, reporters } = require('mocha');

module.exports = class Counts extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const path = process.env.SOURCEWRIGHT_TEST_COUNTS;
      if (path) writeFileSync(path, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
