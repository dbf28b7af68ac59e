import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { checkOutcome } from '../../../core/checkReport';
import { usualColumns } from '../../../core/demonstrations';
import { verdictIn, verifyRequests } from '../../../core/verifyLines';
import { callTrainer, type TrainerAnswer, type TrainerCall } from '../../../src/runs/trainerCall';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

const recipe = resolve('trainer/demo/recipes/srft.srft.json');

describe('a trainer that answers', () => {
  it('its lines, words and end are told', () =>
    withFake(
      'import sys\nprint("one", file=sys.stderr)\nfor line in sys.stdin: print(line.strip().upper())\nsys.exit(3)',
      async (call) => {
        const words: string[] = [];
        const answer = await callTrainer({ ...call, input: ['a', 'ö'], onWords: (line) => words.push(line) });
        assert.deepEqual(answer, { kind: 'answered', code: 3, stdout: 'A\nÖ', errorLines: ['one'] });
        assert.deepEqual(words, ['one']);
      },
    ));

  it('more input than it reads does no harm', () =>
    withFake('print("enough")', async (call) => {
      const input = Array.from({ length: 2000 }, () => 'x'.repeat(1000));
      const answer = await callTrainer({ ...call, input });
      assert.deepEqual(answer, { kind: 'answered', code: 0, stdout: 'enough', errorLines: [] });
    }));

  it('it can be cancelled at any time', () =>
    withFake('import sys, time\nprint("begun", file=sys.stderr, flush=True)\ntime.sleep(60)', async (call) => {
      const stop = new AbortController();
      const answer = await callTrainer({
        ...call,
        signal: stop.signal,
        onWords: () => {
          stop.abort();
        },
      });
      assert.deepEqual(answer, { kind: 'cancelled' });
      assert.deepEqual(await callTrainer({ ...call, signal: stop.signal }), { kind: 'cancelled' });
    }));

  it('a Python that is not there is told', () =>
    withFake('', async (call) => {
      const answer = await callTrainer({ ...call, python: '/there/is/no/python' });
      assert.equal(answer.kind, 'failed');
    }));
});

describe('the real trainer', () => {
  it('checks a recipe', async () => {
    const words: string[] = [];
    const sizes = [
      'evaluation=null',
      'final_evaluation=null',
      'probes=null',
      'training.prompts_per_step=2',
      'method.rollouts=2',
    ];
    const args = ['check', recipe, '--json', ...sizes.flatMap((size) => ['--set', size])];
    const answer = answered(await callTrainer({ ...real(args), onWords: (line) => words.push(line) }));
    const outcome = checkOutcome(answer.code, answer.stdout, answer.errorLines);
    assert.ok(outcome.kind === 'measured', JSON.stringify(answer));
    assert.equal(outcome.measured.rollouts, 4);
    assert.ok(outcome.findings.some(({ keys }) => keys[0]?.join('.') === 'evaluation'));
    assert.ok(words.some((line) => line.startsWith('loading the model')));
  });

  it('names every fault of a recipe', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'wrong.srft.json');
      await writeFile(
        path,
        '{\n"model": {"path": "m"},\n"data": {"path": "d"},\n"training": {"stepz": 1},\n"seed": -1\n}',
      );
      const answer = answered(await callTrainer(real(['check', path, '--json'])));
      const outcome = checkOutcome(answer.code, answer.stdout, answer.errorLines);
      assert.ok(outcome.kind === 'faults', JSON.stringify(answer));
      const places = outcome.findings.map(({ file, line, keys }) => [file, line, keys[0]?.join('.')]);
      assert.deepEqual(places.sort(), [
        [null, 4, 'training.stepz'],
        [null, 5, 'seed'],
      ]);
    }));

  it('judges demonstrations as the recipe says', async () => {
    const [right = '', other = ''] = (await readFile('trainer/demo/data/train.jsonl', 'utf8')).split('\n');
    const wrong = other.replace(/boxed\{\d+\}/, 'boxed{-1}');
    const requests = verifyRequests(`${right}\n\nno json\n{"prompt":"none"}\n${wrong}\n`, usualColumns);
    assert.deepEqual(
      requests.map(({ line }) => line),
      [right, wrong],
    );
    const replies: string[] = [];
    const call = { ...real(['verify', recipe]), input: [...requests.map(({ request }) => request), '{}'] };
    answered(await callTrainer({ ...call, onLine: (line) => replies.push(line) }));
    const verdicts = replies.map(verdictIn);
    assert.deepEqual(
      verdicts.map((verdict) => verdict?.number),
      [0, 1, 2],
    );
    const [first, second, third] = verdicts.map((verdict) => verdict?.fault ?? null);
    assert.equal(first, null);
    assert.match(second ?? '', /does not count this demonstration as right \(reward 0/);
    assert.match(third ?? '', /could not be judged/);
    assert.equal(verdictIn('a print of somebody’s reward'), undefined);
  });
});

function real(args: readonly string[]): TrainerCall {
  const env = { ...process.env, HF_HUB_OFFLINE: '1' };
  return { python: testInterpreter(), trainerFolder: resolve('trainer'), args, env };
}

function answered(answer: TrainerAnswer): Extract<TrainerAnswer, { kind: 'answered' }> {
  assert.ok(answer.kind === 'answered', JSON.stringify(answer));
  return answer;
}

async function withFake(code: string, body: (call: TrainerCall) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await mkdir(join(folder, 'srft'));
    await writeFile(join(folder, 'srft', '__init__.py'), '');
    await writeFile(join(folder, 'srft', 'cli.py'), code);
    await body({ python: testInterpreter(), trainerFolder: folder, args: [], env: process.env });
  });
}
