import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { AgentOptions, RunRequest, StageName } from '../../../src/pipeline/contracts.ts';
import { agentChoiceFrom, agentOptionsFrom, type AgentWords } from '../../../src/terminal/agent-options.ts';
import { agentSettings, lazyStages, requireKey } from '../../../src/terminal/agent-settings.ts';
import { forecastLines } from '../../../src/terminal/forecast.ts';
import { requestFrom, type GenerateOptions } from '../../../src/terminal/request.ts';
import type { RunSummary } from '../../../src/terminal/summary.ts';
import { request as runRequest, scripted, type Trace } from '../pipeline/scripted.ts';
import { call, type Called } from './calls.ts';

const KEY = { ANTHROPIC_API_KEY: 'a-key-for-tests' };

describe('terminal: agents', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-agents-'));
    await writeFile(join(folder, 'shop.yaml'), 'openapi: 3.0.0\n');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const request = (source: string, options: GenerateOptions = {}): Promise<RunRequest> =>
    requestFrom(source, { engine: 'agents', ...options }, folder);
  const input = (says: RegExp) => (error: unknown) => {
    assert.ok(error instanceof SourcewrightError, String(error));
    assert.equal(error.code, 'input');
    assert.match(error.toText(), says);
    return true;
  };

  describe('options', () => {
    it('have defaults, and stand in the request of the run', async () => {
      const plain = await request('shop.yaml');
      assert.deepEqual(plain.agents, { budgetUsd: 5, models: {} });
      assert.deepEqual(RunRequest.parse(plain), plain);
      const made = await request('shop.yaml', {
        budget: '2.50',
        stageBudget: '$1',
        model: ['claude-a', 'generate=claude-b'],
      });
      assert.equal(made.agents?.budgetUsd, 2.5);
      assert.equal(made.agents.stageBudgetUsd, 1);
      assert.deepEqual(AgentOptions.parse(made.agents), made.agents);
    });

    it('let a stage’s own model count more than the one for all, in any order', () => {
      const models = (...model: string[]): unknown => agentOptionsFrom({ model }).models;
      const all = Object.fromEntries(StageName.options.map((stage) => [stage, 'a']));
      assert.deepEqual(models('a'), all);
      assert.deepEqual(models('a', 'test=b'), { ...all, test: 'b' });
      assert.deepEqual(models('test=b', 'a'), { ...all, test: 'b' });
      assert.deepEqual(models('test=b', 'review = c'), { test: 'b', review: 'c' });
    });

    it('are refused where they can not be used', () => {
      const cases: readonly (readonly [AgentWords, RegExp])[] = [
        [{ budget: '0' }, /not an amount[^]*--budget/],
        [{ budget: '-1' }, /not an amount/],
        [{ budget: '1e3' }, /not an amount/],
        [{ stageBudget: 'much' }, /not an amount[^]*--stage-budget/],
        [{ model: ['lunch=a'] }, /no stage "lunch"[^]*research, generate/],
        [{ model: ['test='] }, /names no model/],
        [{ model: [''] }, /names no model/],
        [{ model: ['a', 'b'] }, /after another/],
        [{ model: ['test=a', 'test=b'] }, /after another/],
      ];
      for (const [words, says] of cases) assert.throws(() => agentOptionsFrom(words), input(says));
    });

    it('are for agents: rules say so instead of going on without them', async () => {
      const given: GenerateOptions[] = [
        { budget: '1' },
        { stageBudget: '1' },
        { model: ['a'] },
        { prices: 'p.json' },
      ];
      for (const options of given) {
        const rules = request('shop.yaml', { ...options, engine: 'rules' });
        await assert.rejects(rules, input(/is for the engine "agents"[^]*--engine agents/));
      }
    });

    it('take prices from a file, and say what is wrong with one', async () => {
      const path = join(folder, 'prices.json');
      await writeFile(path, '{"own-model": {"input": 1, "output": 2}}');
      const { prices } = await agentChoiceFrom({ prices: 'prices.json' }, folder);
      assert.deepEqual(prices, { 'own-model': { input: 1, output: 2 } });
      for (const [text, says] of [
        ['{', /not JSON/],
        ['[]', /can't be used/],
        ['{"m": {"input": -1, "output": 2}}', /m\.input/],
        ['{"m": {"input": 1}}', /m\.output/],
      ] as const) {
        await writeFile(path, text);
        await assert.rejects(agentChoiceFrom({ prices: path }, folder), input(says));
      }
      await assert.rejects(agentChoiceFrom({ prices: 'nowhere.json' }, folder), input(/can not be read/));
    });
  });

  describe('sources', () => {
    it('may be a name, a page or a description', async () => {
      const source = async (text: string, options: GenerateOptions = {}): Promise<RunRequest['source']> =>
        (await request(text, options)).source;
      assert.deepEqual(await source('Pager Duty'), { kind: 'name', location: 'Pager Duty' });
      assert.deepEqual(await source('https://x.example/docs'), {
        kind: 'description',
        location: 'https://x.example/docs',
      });
      assert.deepEqual(await source('https://x.example/docs', { docs: true }), {
        kind: 'docs',
        location: 'https://x.example/docs',
      });
      assert.deepEqual(await source('shop.yaml'), {
        kind: 'description',
        location: join(folder, 'shop.yaml'),
      });
      await mkdir(join(folder, 'stripe'));
      assert.deepEqual(await source('stripe'), { kind: 'name', location: 'stripe' });
      await assert.rejects(source('nowhere/shop'), input(/no such file/));
      await assert.rejects(source('nowhere.yaml'), input(/no such file/));
      await assert.rejects(source('.'), input(/not a file/));
      await assert.rejects(source('stripe', { docs: true }), input(/--docs/));
    });
  });

  describe('the key', () => {
    it('is asked for before a run is made, with what can be done without one', async () => {
      const made = await call(['generate', 'shop.yaml', '--engine', 'agents', '--json'], { cwd: folder });
      assert.equal(made.code, 4);
      const summary = JSON.parse(made.stdout) as RunSummary;
      assert.equal(summary.run, null);
      assert.equal(summary.error?.code, 'credentials');
      assert.match(made.stderr, /ANTHROPIC_API_KEY[^]*--engine rules[^]*What agents would add/);
      assert.deepEqual(await readdir(folder), ['shop.yaml']);
      assert.throws(() => requireKey({ ANTHROPIC_API_KEY: ' ' }), /key/);
      assert.equal(requireKey(KEY), KEY.ANTHROPIC_API_KEY);
    });

    it('goes to the runtime from the environment, and with it all that must stay secret', async () => {
      const env = { ...KEY, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1', GH_TOKEN: 'a-token', PATH: '/bin' };
      const base = { output: () => undefined, tell: () => undefined, verbose: false };
      const places = { promptsDir: '/prompts', log: () => undefined };
      const setting = { ...base, credentials: { api_key: 'probe-key' }, agents: { budgetUsd: 9 } };
      const made = agentSettings(env, setting, places);
      assert.equal(await made.apiKey(), KEY.ANTHROPIC_API_KEY);
      assert.equal(made.baseUrl, 'http://127.0.0.1:1');
      assert.equal(made.budgetUsd, 9);
      assert.equal(made.promptsDir, '/prompts');
      assert.deepEqual(new Set(made.secrets), new Set([KEY.ANTHROPIC_API_KEY, 'a-token', 'probe-key']));
      assert.equal(await agentSettings({}, base, places).apiKey(), undefined);
      const replaying = agentSettings(env, { ...base, agents: { replay: '/recorded' } }, places);
      assert.equal(replaying.replay, '/recorded');
      assert.equal(await replaying.apiKey(), undefined);
    });
  });

  describe('a run', () => {
    const generate = (...words: string[]): Promise<Called> =>
      call(['generate', 'shop.yaml', '--engine', 'agents', '--auto', ...words], { cwd: folder, env: KEY });

    it('begins with a forecast on stderr', async () => {
      const made = await generate('--budget', '3', '--json');
      assert.equal(made.code, 0, made.stderr);
      assert.equal((JSON.parse(made.stdout) as RunSummary).status, 'published');
      assert.match(
        made.stderr,
        /^forecast: about \$\d+\.\d\d to \$\d+\.\d\d.*\$3\.00.*\n {2}for about 8 streams/,
      );
      assert.ok(made.stderr.indexOf('forecast') < made.stderr.indexOf('research'));
      assert.equal(made.setting?.agents?.replay, undefined);
    });

    it('has no forecast by rules', async () => {
      const made = await call(['generate', 'shop.yaml', '--auto'], { cwd: folder });
      assert.equal(made.code, 0);
      assert.doesNotMatch(made.stderr, /forecast/);
    });

    it('does not begin with a model whose price is unknown, unless it is given', async () => {
      const refused = await generate('--model', 'own-model');
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /"own-model" costs is not known[^]*--prices FILE/);
      assert.deepEqual(await readdir(folder), ['shop.yaml']);
      await writeFile(join(folder, 'prices.json'), '{"own-model": {"input": 1, "output": 2}}');
      const made = await generate('--model', 'own-model', '--prices', 'prices.json');
      assert.equal(made.code, 0, made.stderr);
      assert.deepEqual(made.setting?.agents?.prices, { 'own-model': { input: 1, output: 2 } });
    });

    it('forecasts for what is known of it', () => {
      const streams = { ...runRequest(folder), engine: 'agents' as const, streams: ['a', 'b'] };
      assert.match(forecastLines(streams, {}).join('\n'), /for 2 streams/);
      assert.match(forecastLines(streams, { budgetUsd: 7 }).join('\n'), /\$7\.00/);
      const named = { ...streams, source: { kind: 'name' as const, location: 'Shop' } };
      assert.match(forecastLines(named, {}).join('\n'), /documentation pages/);
    });

    it('is kept when it has cost something, also where its source could not be used', async () => {
      const spent = { usd: 0.1, inputTokens: 9, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
      for (const requests of [0, 1]) {
        const made = await call(['generate', 'shop.yaml', '--engine', 'agents', '--auto', '--json'], {
          cwd: folder,
          env: KEY,
          script: {
            research: (context) => {
              if (requests > 0) context.spent({ ...spent, requests });
              throw new SourcewrightError('input', 'Nothing was found.');
            },
          },
        });
        assert.equal(made.code, 2);
        assert.equal((JSON.parse(made.stdout) as RunSummary).run === null, requests === 0);
      }
    });

    it('stays when the model’s address does not answer: it can be resumed', async () => {
      const made = await call(['generate', 'shop.yaml', '--engine', 'agents', '--auto', '--json'], {
        cwd: folder,
        env: KEY,
        script: {
          research: () => {
            throw new SourcewrightError('remote', 'No answer.');
          },
        },
      });
      assert.equal(made.code, 4);
      assert.equal((JSON.parse(made.stdout) as RunSummary).status, 'paused');
    });

    it('is resumed with another budget and other models, which override its request', async () => {
      const paused = await call(['generate', 'shop.yaml', '--engine', 'agents', '--auto'], {
        cwd: folder,
        env: KEY,
        script: {
          generate: () => ({
            status: 'paused',
            cause: 'budget',
            message: 'The run has cost $4.90 of its budget of $5.00.',
            cure: 'Raise the budget to $6.00 or more, then resume.',
          }),
        },
      });
      assert.equal(paused.code, 4);
      assert.match(paused.stdout, /Raise the budget[^]*resume \S+ --budget USD\n.*--stage-budget USD/);
      const bad = await call(['resume', 'latest', '--budget', 'more'], { cwd: folder, env: KEY });
      assert.equal(bad.code, 2);
      const words = ['--budget', '6', '--stage-budget', '3', '--model', 'test=claude-b', '--json'];
      const resumed = await call(['resume', 'latest', ...words], { cwd: folder, env: KEY });
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.deepEqual(resumed.setting?.agents, {
        budgetUsd: 6,
        stageBudgetUsd: 3,
        models: { test: 'claude-b' },
      });
    });

    it('by rules takes no such options on resume either', async () => {
      await call(['generate', 'shop.yaml'], { cwd: folder });
      const refused = await call(['resume', 'latest', '--budget', '6', '--approve', 'research'], {
        cwd: folder,
      });
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /works by rules/);
      const waiting = await call(['show', 'latest', '--json'], { cwd: folder });
      assert.equal((JSON.parse(waiting.stdout) as RunSummary).gate, 'research');
    });

    it('tells what models cost when it is done', async () => {
      const usage = {
        usd: 0.1234,
        inputTokens: 12_345,
        outputTokens: 678,
        cacheReadTokens: 9_000,
        cacheWriteTokens: 2_000,
        requests: 2,
      };
      const made = await call(['generate', 'shop.yaml', '--engine', 'agents', '--auto'], {
        cwd: folder,
        env: KEY,
        script: {
          review: (context) => {
            context.spent(usage);
            return { status: 'done', result: { decision: 'clean', findings: 0, blocking: 0 } };
          },
        },
      });
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stdout, /cost +\$0\.12 for 2 requests\n/);
      const tokens = /tokens +12,345 in \(9,000 read from the cache, 2,000 written to it\), 678 out\n/;
      assert.match(made.stdout, tokens);
      const shown = await call(['show', 'latest'], { cwd: folder });
      assert.match(shown.stdout, tokens);
      assert.match(shown.stdout, /review +done +\d+ ms +\$0\.12 {2}No findings\n/);
      const json = JSON.parse(
        (await call(['show', 'latest', '--json'], { cwd: folder })).stdout,
      ) as RunSummary;
      assert.deepEqual(json.usage, usage);
    });
  });

  it('are loaded when the first stage runs, and once', async () => {
    const trace: Trace = [];
    let loads = 0;
    const lazy = lazyStages(() => {
      loads += 1;
      return Promise.resolve(scripted({}, trace));
    });
    assert.equal(loads, 0);
    const context = { mode: 'RUN', attempt: 1 } as Parameters<typeof lazy.review.run>[0];
    assert.equal((await lazy.review.run(context)).status, 'done');
    await lazy.diagnose.run(context);
    assert.deepEqual([loads, trace], [1, ['review RUN 1', 'diagnose RUN 1']]);
    assert.deepEqual(
      StageName.options.map((name) => lazy[name].name),
      StageName.options,
    );
  });
});
