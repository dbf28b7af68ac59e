import { Continuations } from '../../../core/continuations';
import type { RecordToken, Reroll } from '../../../core/rerolls';
import type { WriteRequest } from '../../checkpoints/languageModel';
import type { Rerolls } from '../../runs/rerolls';
import type { RunWatch } from '../../runs/runWatch';
import type { Log } from '../log';
import type { JudgingParts } from '../traces/judging';
import type { CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import { RerollJudge } from './rerollJudge';

/** What is to be written, and where it is kept. */
export interface RerollOrder {
  readonly service: CheckpointService;
  readonly place: CheckpointPlace;
  readonly rerolls: Rerolls;
  readonly judging: JudgingParts;
  readonly log: Log;
  readonly run: RunWatch;
  /** Of the rollout that they go on from. */
  readonly row: number;
  /** Name of its group. */
  readonly group: string;
  readonly title: string;
  /** Tokens of the response that all begin with. */
  readonly common: readonly RecordToken[];
  /** One for each seed of the request. */
  readonly made: readonly Omit<Reroll, 'number' | 'record' | 'state'>[];
  readonly request: WriteRequest;
  /** Told once they are kept, before anything is written. */
  readonly onBegun: (rerolls: readonly Reroll[]) => void;
}

const keepEveryMs = 200;

/** Writes re-rolls under a notification that cuts them off; each is judged when it has ended. */
export async function writeRerolls(order: RerollOrder): Promise<void> {
  const writing = new RerollsBeingWritten(order);
  order.onBegun(writing.now);
  const judge = new RerollJudge(order.run, order.row, order.judging);
  try {
    await writing.write(judge);
  } finally {
    judge.close();
  }
}

class RerollsBeingWritten {
  private readonly continuations: Continuations;
  private readonly judged = new Map<number, Promise<void>>();
  private keeping: Promise<void> | undefined;
  now: readonly Reroll[];

  constructor(private readonly order: RerollOrder) {
    const { rerolls, group, made, common, request } = order;
    this.continuations = new Continuations(common, made.length, request);
    this.now = rerolls.add(
      group,
      made.map((one, row) => ({ ...one, ...this.stateOf(row) })),
    );
  }

  /** Until all is written, or cut off, and judged. */
  async write(judge: RerollJudge): Promise<void> {
    const { service, title, request } = this.order;
    const total = request.maxTokens * request.seeds.length;
    await service.withProgress(title, (signal, tell) =>
      this.stoppable(
        (stop) => {
          signal.addEventListener('abort', () => {
            stop.abort(signal.reason);
          });
        },
        async (stopped) => {
          const timer = setInterval(() => {
            this.keepSoon(judge);
          }, keepEveryMs);
          try {
            await this.ask(stopped, (done) => {
              tell(done, total);
            });
          } finally {
            clearInterval(timer);
            await this.keeping;
            await this.spell();
            this.continuations.finish();
            this.keep(judge);
          }
        },
      ),
    );
    await this.stoppable(
      (stop) => {
        stop.signal.addEventListener('abort', () => {
          judge.close();
        });
      },
      () => Promise.all(this.judged.values()),
    );
  }

  /** Does work that a person ends in the view of the group. */
  private async stoppable(
    prepare: (stop: AbortController) => void,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const stop = new AbortController();
    prepare(stop);
    const held = this.order.rerolls.hold(this.order.group, stop);
    try {
      await work(stop.signal);
    } finally {
      held.release();
    }
  }

  /** What is cut off on purpose is no problem. */
  private async ask(signal: AbortSignal, tell: (done: number) => void): Promise<void> {
    const { service, place, request } = this.order;
    if (this.now.every(({ state }) => state !== 'writing')) return;
    let done = 0;
    try {
      await service.write(place, request, {
        signal,
        onTokens: (tokens) => {
          this.continuations.add(tokens);
          done += tokens.length;
          tell(done);
        },
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  private keepSoon(judge: RerollJudge): void {
    this.keeping ??= this.spell().finally(() => {
      this.keeping = undefined;
      this.keep(judge);
    });
  }

  /** Learn what was drawn; where nobody tells, what was read so far stays. */
  private async spell(): Promise<void> {
    const { service, place, log } = this.order;
    const ids = this.continuations.unspelled();
    if (ids.length === 0) return;
    try {
      this.continuations.learn(await service.ask(place, { kind: 'bytes', ids }));
    } catch (error) {
      log.warn(`re-rolls cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Put what is written in the place of what was, and hand over to the judge what has ended. */
  private keep(judge: RerollJudge): void {
    const { rerolls, group } = this.order;
    const before = this.now;
    this.now = before.map((reroll, row) => (reroll.state === 'writing' ? { ...reroll, ...this.stateOf(row) } : reroll));
    rerolls.update(
      group,
      this.now.filter((reroll, row) => reroll !== before[row]),
    );
    for (const reroll of this.now) {
      if (reroll.state === 'writing' || this.judged.has(reroll.number)) continue;
      this.judged.set(reroll.number, this.judge(judge, reroll));
    }
  }

  private async judge(judge: RerollJudge, reroll: Reroll): Promise<void> {
    const { rerolls, group } = this.order;
    if (rerolls.get(group, reroll.number) === undefined) return;
    const verdict =
      reroll.state === 'cut off'
        ? ({ kind: 'not judged', reason: 'it was cut off' } as const)
        : await judge.ask(reroll);
    this.now = this.now.map((one) => (one.number === reroll.number ? { ...one, verdict } : one));
    rerolls.update(
      group,
      this.now.filter(({ number }) => number === reroll.number),
    );
  }

  private stateOf(row: number): Pick<Reroll, 'record' | 'state'> {
    return { record: this.continuations.recordOf(row), state: this.continuations.stateOf(row) };
  }
}
