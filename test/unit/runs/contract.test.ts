import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { valueAt, valuesOf } from '../../../core/columns';
import type { Address, EvaluationEvent, IndexLine, StepEvent } from '../../../core/generated/wire';
import type { RolloutColumns } from '../../../core/rolloutColumns';
import { addressAt, isCurrent, promptAddressAt, type NumberName, type RolloutIndex } from '../../../core/rolloutIndex';
import { RunStore } from '../../../src/runs/runStore';

/** What the Python reader finds in a run directory, as JSON; NaN as the word. */
const pythonReader = `
import json, math, sys
from pathlib import Path
from srft.run_directory.fold import fold_run
from srft.run_directory.reader import iterate_index, read_record, read_columns
run = Path(sys.argv[1])
def number(value):
    return "NaN" if isinstance(value, float) and math.isnan(value) else value
def record(address):
    if address is None:
        return None
    found = read_record(run, address)
    values = {name: [number(value) for value in column.tolist()] for name, column in found.values.items()}
    return {"kind": found.kind, "tokens": found.tokens, "text": found.text.hex(), "values": values}
lines = list(iterate_index(run))
print(json.dumps({
    "fold": fold_run(run),
    "lines": lines,
    "records": [[record(line["address"]), record(line["prompt"])] for line in lines],
    "units": {path.stem: {c["name"]: c["unit"] for c in read_columns(path)} for path in sorted((run / "rollouts").glob("*.seg"))},
    "status": json.loads((run / "status.json").read_bytes()),
    "live": json.loads((run / "live.json").read_bytes()),
}))
`;

interface PythonRecord {
  readonly kind: number;
  readonly tokens: number;
  readonly text: string;
  readonly values: Readonly<Record<string, readonly (number | 'NaN')[]>>;
}
interface PythonRun {
  readonly fold: {
    readonly manifest: unknown;
    readonly attempts: readonly { attempt: number; from_step?: number; device?: unknown; versions?: unknown }[];
    readonly steps: Readonly<Record<string, StepEvent & { rows: readonly IndexLine[] }>>;
    readonly evaluations: readonly (EvaluationEvent & { rows: readonly IndexLine[] })[];
    readonly checkpoints: Readonly<Record<string, unknown>>;
    readonly non_finite: readonly unknown[];
    readonly notices: readonly unknown[];
    readonly controls: readonly unknown[];
    readonly end: unknown;
    readonly unknown: Readonly<Record<string, number>>;
    readonly next_seq: number;
  };
  readonly lines: readonly (IndexLine & Readonly<Record<string, unknown>>)[];
  readonly records: readonly (readonly [PythonRecord | null, PythonRecord | null])[];
  readonly units: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
  readonly status: unknown;
  readonly live: unknown;
}

const fixtures = join('test', 'fixtures', 'runs');

for (const name of readdirSync(fixtures).filter((folder) => existsSync(join(fixtures, folder, 'run.json')))) {
  describe(`the recorded run ${name}, read by Python and by us`, async () => {
    const directory = join(fixtures, name);
    const python = readByPython(directory);
    const opened = await RunStore.open(directory);
    assert.ok(opened.kind === 'read', opened.kind === 'broken' ? opened.reason : '');
    const store = opened.value;
    const { model, index } = store;
    const { fold } = python;
    after(() => store.close());

    it('has lines, steps and evaluations to compare', () => {
      assert.ok(python.lines.length > 20);
      assert.ok(Object.keys(fold.steps).length > 2);
      assert.ok(fold.evaluations.length > 1);
      assert.deepEqual(store.troubles, []);
    });

    it('manifest, status and live are the same', () => {
      assert.deepEqual(store.manifest, fold.manifest);
      assert.deepEqual(store.status, python.status);
      assert.deepEqual(store.live, python.live);
    });

    it('every figure of every step is the same', () => {
      const steps = Object.values(fold.steps);
      assert.deepEqual(
        [...valuesOf(model.steps.step)],
        steps.map((event) => event.step),
      );
      assert.deepEqual(
        [...valuesOf(model.steps.time)],
        steps.map((event) => event.time),
      );
      assert.deepEqual(
        [...valuesOf(model.steps.tokens)],
        steps.map((event) => event.tokens),
      );
      const names = new Set(steps.flatMap((event) => Object.keys(event.metrics)));
      assert.deepEqual(new Set(model.steps.metrics.keys()), names);
      for (const [metric, { curve }] of model.steps.metrics) {
        assert.deepEqual(
          [...valuesOf(curve.values)],
          steps.map((event) => event.metrics[metric] ?? NaN),
          metric,
        );
      }
      const phases = steps.map((_, row) => model.phases.findLast((change) => change.row <= row)?.phase);
      assert.deepEqual(
        phases,
        steps.map((event) => event.phase),
      );
    });

    it('every other event is the same, unknown ones are counted', () => {
      assert.deepEqual(model.evaluations, fold.evaluations.map(withoutRows));
      assert.deepEqual(
        model.checkpoints.filter((event) => !model.removedCheckpoints.has(event.step)),
        Object.values(fold.checkpoints),
      );
      assert.deepEqual(model.nonFinite, fold.non_finite);
      assert.deepEqual(model.notices, fold.notices);
      assert.deepEqual(model.controls, fold.controls);
      assert.deepEqual(model.end?.reason ?? null, fold.end);
      assert.equal(model.nextSeq, fold.next_seq);
      const attempts = model.attempts.map(({ attempt, fromStep, device, versions }) => [
        attempt,
        fromStep,
        device,
        versions,
      ]);
      assert.deepEqual(
        attempts,
        fold.attempts.map((event) => [
          event.attempt,
          event.from_step ?? null,
          event.device ?? null,
          event.versions ?? null,
        ]),
      );
      const unknown: Record<string, number> = {};
      for (const { kind } of model.oddities.unknownEvents) unknown[kind] = (unknown[kind] ?? 0) + 1;
      assert.deepEqual(unknown, fold.unknown);
      const { missingEvents, repeatedEvents, malformedLines } = model.oddities;
      assert.deepEqual([missingEvents, repeatedEvents, malformedLines], [0, 0, 0]);
    });

    it('every field of every index line is the same, unknown keys included', () => {
      assert.equal(index.length, python.lines.length);
      python.lines.forEach((line, row) => {
        assert.deepEqual(lineAt(index, row, line), line);
        for (const [columns, values] of [
          [index.parts, line.parts],
          [index.weights, line.weights],
        ] as const) {
          for (const [part, column] of columns) assert.equal(valueAt(column, row), values[part] ?? NaN);
        }
      });
    });

    it('the same rows were dropped by later attempts', () => {
      const current = index.ids.filter(
        (_, row) => index.kinds[row] !== 'evaluation' && isCurrent(index, row, model.attempts),
      );
      const kept = Object.values(fold.steps).flatMap((event) => event.rows.map((line) => line.id));
      const known = current.filter((id) => /-s\d+-/.test(id));
      assert.deepEqual(known, kept);
    });

    it('every byte and number of every record is the same, and every row has a prompt or says why not', async () => {
      for (const [row, line] of python.lines.entries()) {
        const [response, prompt] = python.records[row] ?? [null, null];
        compareRecord(await store.readRollout(row), response, line.address);
        compareRecord(await store.readPrompt(row), prompt, line.prompt);
      }
    });

    function compareRecord(
      found: Awaited<ReturnType<RunStore['readRollout']>>,
      expected: PythonRecord | null,
      address: Address | null,
    ): void {
      if (expected === null || address === null) {
        assert.equal(found.kind, 'broken');
        return;
      }
      assert.ok(found.kind === 'read', found.kind === 'broken' ? found.reason : '');
      const units = python.units[`${address.segment}`.padStart(6, '0')] ?? {};
      assert.deepEqual(plainRecord(found.value), { ...expected, units: pick(units, Object.keys(expected.values)) });
    }
  });
}

function readByPython(directory: string): PythonRun {
  const venv = join('.srft', 'venv');
  const python = process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
  const text = execFileSync(python, ['-B', '-c', pythonReader, directory], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: 'trainer', PYTHONIOENCODING: 'utf-8' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(text) as PythonRun;
}

function plainRecord(record: RolloutColumns): PythonRecord & { units: Record<string, string | null> } {
  const columns = [...record.columns];
  const kinds = ['header', 'prompt', 'rollout', 'demonstration', 'hybrid', 'evaluation', 'probe'];
  return {
    kind: typeof record.kind === 'string' ? kinds.indexOf(record.kind) : record.kind.unknown,
    tokens: record.tokens,
    text: Buffer.from(record.text).toString('hex'),
    values: Object.fromEntries(
      columns.map(([name, { values }]) => [name, Array.from(values, (value) => (Number.isNaN(value) ? 'NaN' : value))]),
    ),
    units: Object.fromEntries(columns.map(([name, { unit }]) => [name, unit])),
  };
}

/** The line as the columns hold it; parts and weights as far as the line names them. */
function lineAt(index: RolloutIndex, row: number, like: IndexLine): unknown {
  const number = (name: NumberName): number | null => orNull(valueAt(index.numbers[name], row));
  const named = (columns: RolloutIndex['parts'], names: readonly string[]): unknown =>
    Object.fromEntries(
      names.map((name) => [name, orNull(valueAt(columns.get(name) ?? { values: new Float64Array(), length: 0 }, row))]),
    );
  return {
    id: index.ids[row],
    attempt: number('attempt'),
    step: number('step'),
    group: number('group'),
    index: number('index'),
    prompt_id: index.promptIds[row],
    kind: index.kinds[row],
    reward: number('reward'),
    parts: named(index.parts, Object.keys(like.parts)),
    advantage: number('advantage'),
    correct: valueAt(index.correct, row) === 1,
    truncated: valueAt(index.truncated, row) === 1,
    stop: index.stops[row],
    tokens: number('tokens'),
    temperature: number('temperature'),
    entropy: number('entropy'),
    weights: named(index.weights, Object.keys(like.weights)),
    policy_version: number('policy_version'),
    head: index.heads[row],
    note: index.notes.get(row) ?? null,
    address: addressAt(index, row) ?? null,
    prompt: promptAddressAt(index, row) ?? null,
    ...index.extras.get(row),
  };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function withoutRows(event: EvaluationEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'rows'));
}

function pick<T>(values: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T | undefined> {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}
