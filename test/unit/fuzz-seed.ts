/**
 * The property tests draw the same cases in every run, so that a build is red for what changed and not by chance. New
 * cases: FUZZ_SEED=$RANDOM npm run test:unit. What such a run finds becomes a test of its own.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FUZZ_SEED'] ?? 20_261_121) });
