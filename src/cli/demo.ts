import { setTimeout as sleep } from 'node:timers/promises';
import { emptyRun } from '../../core/runModel';
import { elapsedSeconds, lastStep } from '../../core/progress';
import { RunStore } from '../runs/runStore';
import { Painter } from './painter';
import { accuracyOf, picture, type Scene } from './picture';
import { nothingTold, plainLines, type Told } from './plainLines';
import { styleFor, type Style } from './style';
import { comparisonLines, firstAndLast, nextSteps, summaryTable } from './summary';
import { oneLine } from './terminalText';
import { beforeAfter, newestRollout, traceText, type TraceText } from './traces';
import { Trainer, type TrainerEnd } from './trainer';

/** What the demo is to run. */
export interface DemoOptions {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly recipe: string;
  readonly runDir: string;
  /** `key=value` for the recipe, each. */
  readonly overrides: readonly string[];
  /** The last line is JSON. */
  readonly json: boolean;
  readonly secondsSetup: number;
}

/** Train, show the run while it runs, and tell at the end what it learned. Resolves to the exit code. */
export async function main(options: DemoOptions): Promise<number> {
  const trainer = new Trainer({
    python: options.python,
    environment: options.env,
    recipe: options.recipe,
    runDirectory: options.runDir,
    overrides: options.overrides,
  });
  const release = forwardSignals(trainer);
  try {
    const watched = await watch(options, trainer);
    const end = await trainer.ended;
    if (end.code !== 0) tellFailure(end, trainer.stopping);
    if (watched !== undefined) await tellEnd(watched, options);
    return exitCodeOf(end);
  } finally {
    release();
    trainer.kill();
  }
}

const frameMs = 100;

/** Follows the run until the trainer has ended; undefined when no run came to be. */
async function watch(options: DemoOptions, trainer: Trainer): Promise<RunStore | undefined> {
  const view = process.stdout.isTTY && process.env['TERM'] !== 'dumb' ? paintedView() : linesView();
  const ended = trainer.ended.then(() => 'ended' as const);
  let store: RunStore | undefined;
  let next: 'ended' | 'frame' = 'frame';
  try {
    for (;;) {
      store ??= await openIfThere(options.runDir);
      await store?.refresh();
      await view.show(store, { stopping: trainer.stopping, said: trainer.lastLine });
      // What was written before the end has been read after it.
      if (next === 'ended') return store;
      next = await Promise.race([sleep(frameMs, 'frame' as const), ended]);
    }
  } finally {
    view.finish();
  }
}

async function openIfThere(directory: string): Promise<RunStore | undefined> {
  const opened = await RunStore.open(directory);
  return opened.kind === 'read' ? opened.value : undefined;
}

/** What is known of the trainer beside the run. */
interface Moment {
  readonly stopping: boolean;
  readonly said: string;
}

interface View {
  show(store: RunStore | undefined, moment: Moment): Promise<void>;
  finish(): void;
}

function paintedView(): View {
  const style = styleFor(process.env, true);
  const painter = new Painter(process.stdout);
  const traces = newestTraces();
  return {
    async show(store, moment) {
      const scene = store === undefined ? emptyScene(moment) : await sceneOf(store, traces, moment);
      painter.draw(picture(scene, process.stdout.columns, style));
    },
    finish() {
      painter.finish();
    },
  };
}

function linesView(): View {
  let told: Told = nothingTold;
  return {
    show(store, { stopping }) {
      const stage = stopping ? 'stopping at the next safe point' : (store?.status?.stage ?? 'starting the trainer');
      const news = plainLines(store?.model ?? emptyRun(), stage, told);
      told = news.told;
      for (const line of news.lines) console.log(line);
      return Promise.resolve();
    },
    finish() {
      return;
    },
  };
}

function emptyScene(moment: Moment): Scene {
  const nothing = { status: null, live: null, right: undefined, wrong: undefined, sinceNewestSeconds: 0 };
  return { model: emptyRun(), ...nothing, ...moment };
}

type NewestTraces = (store: RunStore, correct: boolean) => Promise<TraceText | undefined>;

/** Reads a trace only when it is another one than before. */
function newestTraces(): NewestTraces {
  const known = new Map<boolean, TraceText>();
  return async (store, correct) => {
    const row = newestRollout(store, correct);
    if (row === undefined) return undefined;
    const before = known.get(correct);
    if (before?.row === row) return before;
    const trace = await traceText(store, row);
    known.set(correct, trace);
    return trace;
  };
}

async function sceneOf(store: RunStore, traces: NewestTraces, moment: Moment): Promise<Scene> {
  const { model, status, live } = store;
  return {
    model,
    status,
    live,
    right: await traces(store, true),
    wrong: await traces(store, false),
    sinceNewestSeconds: model.lastTime === null ? 0 : Math.max(0, Date.now() / 1000 - model.lastTime),
    ...moment,
  };
}

/** Ctrl-C and a request to end are passed on; the caller calls the result to let go. */
function forwardSignals(trainer: Trainer): () => void {
  const stop = (): void => {
    trainer.stop();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}

function tellFailure(end: TrainerEnd, stopping: boolean): void {
  const how = end.code === null ? 'was ended before its time' : `ended with code ${end.code}`;
  console.error(stopping ? 'The trainer was stopped.' : `The trainer ${how}. It said:`);
  if (!stopping) for (const line of end.lastWords) console.error(oneLine(line));
}

async function tellEnd(store: RunStore, options: DemoOptions): Promise<void> {
  const style = styleFor(process.env, process.stdout.isTTY);
  const columns = process.stdout.isTTY ? process.stdout.columns : 100;
  const lines = ['', ...summaryTable(store.model, style), '', ...(await comparisons(store, columns, style))];
  for (const line of [...lines, ...nextSteps(options.runDir)]) console.log(line);
  for (const trouble of store.troubles) console.error(oneLine(trouble));
  if (options.json) console.log(JSON.stringify(figures(store, options)));
  await store.close();
}

async function comparisons(store: RunStore, columns: number, style: Style): Promise<string[]> {
  const { mended, wrong } = await beforeAfter(store);
  return [
    ...(mended === undefined ? [] : [...comparisonLines('Wrong before, right now', mended, columns, style), '']),
    ...(wrong === undefined ? [] : [...comparisonLines('Still wrong', wrong, columns, style), '']),
  ];
}

function figures(store: RunStore, options: DemoOptions): Readonly<Record<string, number | string | null>> {
  const { first, last } = firstAndLast(store.model);
  return {
    accuracy_before: first === undefined ? null : accuracyOf(first),
    accuracy_after: last === undefined ? null : accuracyOf(last),
    steps: lastStep(store.model),
    seconds_setup: rounded(options.secondsSetup),
    seconds_training: rounded(elapsedSeconds(store.model)),
    run_dir: options.runDir,
  };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}

function exitCodeOf(end: TrainerEnd): number {
  return end.code ?? 1;
}
