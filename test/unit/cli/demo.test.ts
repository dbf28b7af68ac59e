import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { main } from '../../../src/cli/demo';
import { main as inspect } from '../../../src/cli/inspect';
import { inFolder } from '../support/folder';
import { evaluation, step, writeRun } from '../support/writtenRun';

/** Stands in for `srft.cli`: brings a run that was prepared, says what it was asked, and ends as it is told. */
const standIn = `
import os, shutil, signal, sys, time
run = sys.argv[sys.argv.index("--run-dir") + 1]
print("asked:", *sys.argv[1:], file=sys.stderr)
how = os.environ["STAND_IN"]
if how == "refuse":
    print("error: \\x1b[31mtraining.stepz is unknown; did you mean training.steps?", file=sys.stderr)
    sys.exit(2)
def stop(*_):
    own_group = os.name == "nt" or os.getpgrp() == os.getpid()
    with open(os.path.join(run, "stopped"), "w") as file:
        file.write("own group" if own_group else "the terminal would signal it too")
    if how != "deaf":
        sys.exit(0)
signal.signal(signal.SIGINT, stop)
shutil.copytree(os.environ["PREPARED"], run)
while how != "finish":
    if os.listdir(run + "/control") and how == "wait":
        stop()
    time.sleep(0.02)
`;

describe('the demo', () => {
  it('shows the run, before and after, two traces, and the figures as its last line', () =>
    prepared(async ({ demo }) => {
      const { code, output } = await demo('finish', { json: true });
      assert.equal(code, 0);
      const lines = output.trimEnd().split('\n');
      assert.deepEqual(
        { ...(JSON.parse(lines.at(-1) ?? '') as object), run_dir: '' },
        {
          accuracy_before: 0.25,
          accuracy_after: 0.875,
          steps: 6,
          seconds_setup: 1.5,
          seconds_training: 9,
          run_dir: '',
        },
      );
      assert.match(output, /greedy held-out accuracy\s+0\.250\s+0\.875/);
      assert.match(output, /step 6\/6/);
      assert.match(
        output,
        /Wrong before, right now\nQuestion a1-e6-g1-0\?[^]*✗ before \(step 0\)\n\s+16\+8=14 {3}← 24\n[^]*✓ after \(step 6\)\n\s+16\+8=24/,
      );
      assert.match(output, /Still wrong[^]*✗ after \(step 6\)\n\s+␛\[2Jblurt/);
      assert.match(output, /--method sft/);
      assert.doesNotMatch(output.replaceAll('\n', ''), /\p{Cc}/u);
    }));

  it('passes recipe, directory and overrides on, without a shell', () =>
    prepared(async ({ demo, run }) => {
      const { code, errors } = await demo('refuse', { overrides: ['seed=3', 'name=a b; $(x)'] });
      assert.equal(code, 2);
      assert.match(
        errors,
        new RegExp(
          `asked: train recipe\\.json --run-dir ${run.replace(/\W/g, '.')} --set seed=3 --set name=a b; \\$\\(x\\)`,
        ),
      );
      assert.match(errors, /ended with code 2[^]*␛\[31mtraining\.stepz is unknown; did you mean training\.steps\?/);
    }));

  it('Ctrl-C ends the trainer at its next safe point', () =>
    prepared(async ({ demo, run }) => {
      const demoRun = demo('wait');
      await appearance(join(run, 'events.jsonl'));
      process.emit('SIGINT');
      const { code, errors } = await demoRun;
      assert.equal(code, 0);
      assert.equal(await readFile(join(run, 'stopped'), 'utf8'), 'own group');
      assert.equal(errors, '');
    }));

  it('Ctrl-C twice ends a trainer that does not listen', () =>
    prepared(async ({ demo, run }) => {
      const demoRun = demo('deaf');
      await appearance(join(run, 'events.jsonl'));
      process.emit('SIGINT');
      await sleep(100);
      process.emit('SIGINT');
      const { code, errors } = await demoRun;
      assert.notEqual(code, 0);
      assert.match(errors, /was stopped/);
    }));

  it('says what is wrong when Python is not there', () =>
    prepared(async ({ demo }) => {
      const { code, errors } = await demo('finish', { python: 'no-such-python' });
      assert.equal(code, 1);
      assert.match(errors, /ENOENT/);
    }));
});

describe('inspect', () => {
  const cases: readonly [string, (run: string) => string[], number, RegExp][] = [
    ['a summary', (run) => [run], 0, /step 6 of 6 {2}finished[^]*reward\/mean\s+0\.600[^]*greedy held-out accuracy/],
    ['the rollouts of a step', (run) => [run, '--step', '6'], 0, /a1-e6-g1-0\s+evaluation\s+✓\s+1\.000\s+8 16\+8=24/],
    [
      'a trace, token by token',
      (run) => [run, '--rollout', 'a1-e6-g1-0'],
      0,
      /token\s+text\s+id\s+logprob\n\s+0 {2}"1"\s+0\s+0\.0000/,
    ],
    ['a step that is not there', (run) => [run, '--step', '77'], 2, /no rollouts of step 77; its last step is 6/],
    ['an id that is not there', (run) => [run, '--rollout', 'x'], 2, /no rollout x/],
    ['no run', () => ['/no/such/folder'], 2, /no run\.json/],
    ['no arguments', () => [], 2, /usage:/],
    ['an option it does not know', (run) => [run, '--stepz', '1'], 2, /usage:/],
  ];
  for (const [name, args, expected, pattern] of cases) {
    it(name, () =>
      prepared(async ({ source }) => {
        const { code, output, errors } = await captured(() => inspect(args(source)));
        assert.equal(code, expected);
        assert.match(output + errors, pattern);
      }),
    );
  }
});

interface Prepared {
  /** A run that is there already. */
  readonly source: string;
  /** Where the demo's run will be. */
  readonly run: string;
  readonly demo: (how: string, more?: { json?: boolean; overrides?: string[]; python?: string }) => Promise<Captured>;
}

async function prepared(body: (place: Prepared) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const [source, run, modules] = [join(folder, 'prepared'), join(folder, 'run'), join(folder, 'modules')];
    await writeRun(source, learnedRun);
    await mkdir(join(source, 'control'));
    await mkdir(join(modules, 'srft'), { recursive: true });
    await writeFile(join(modules, 'srft', '__init__.py'), '');
    await writeFile(join(modules, 'srft', 'cli.py'), standIn);
    await body({
      source,
      run,
      demo: (how, more = {}) =>
        captured(() =>
          main({
            python: more.python ?? pythonOfTests(),
            env: { ...process.env, PYTHONPATH: modules, STAND_IN: how, PREPARED: source },
            recipe: 'recipe.json',
            runDir: run,
            overrides: more.overrides ?? [],
            json: more.json ?? false,
            secondsSetup: 1.5,
          }),
        ),
    });
  });
}

const answers: readonly (readonly [string, boolean])[] = [
  ['92', true],
  ['16+8=14', false],
  ['\u001b[2Jblurt', false],
];

const learnedRun = {
  events: [
    { kind: 'started', attempt: 1, steps: 6 },
    evaluation(0, 0.25),
    ...Array.from({ length: 6 }, (_, number) => step(number + 1)),
    evaluation(6, 0.875),
    { kind: 'ended', step: 6, end: { kind: 'finished', message: null } },
  ],
  rows: [
    ...answers.map(([text, correct], group) => ({ id: `a1-e0-g${group}-0`, kind: 'evaluation', text, correct })),
    { id: 'a1-s1-g0-0', kind: 'rollout', text: 'a rollout', correct: true },
    ...answers.map(([text, correct], group) => {
      const mended = group === 1;
      return {
        id: `a1-e6-g${group}-0`,
        kind: 'evaluation',
        text: mended ? '16+8=24' + '\n' : text,
        correct: correct || mended,
      };
    }),
  ],
};

interface Captured {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** What `body` prints, beside its result. */
async function captured(body: () => Promise<number>): Promise<Captured> {
  const output: string[] = [];
  const errors: string[] = [];
  const { log, error } = console;
  Object.assign(console, {
    log: (line: string) => output.push(`${line}\n`),
    error: (line: string) => errors.push(`${line}\n`),
  });
  try {
    return { code: await body(), output: output.join(''), errors: errors.join('') };
  } finally {
    Object.assign(console, { log, error });
  }
}

async function appearance(path: string): Promise<void> {
  while (!existsSync(path)) await sleep(10);
  await sleep(50);
}

function pythonOfTests(): string {
  const venv = join('.srft', 'venv');
  return process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
}
