import { derivedFrom, keepDerived, type Derived } from '../../core/alertColumns';
import { alertsOf, defaultThresholds } from '../../core/alerts';
import { cover } from '../../core/curves';
import { readEventLine } from '../../core/events';
import { lineBuffer, pushBytes, type LineBuffer } from '../../core/lines';
import { emptyRun, fold, type RunModel } from '../../core/runModel';
import { Tail, type TailPlace } from './tail';

/** What one reading brought. */
export interface FileRead {
  readonly count: number;
  /** What was known before is void: the file was made anew. */
  readonly restarted: boolean;
  /** There is more than was read in the time. */
  readonly more: boolean;
}

/** An event log as far as it was read, as plain values and typed arrays that a message can carry. */
export interface EventLogState {
  readonly model: RunModel;
  readonly lines: LineBuffer;
  readonly place: TailPlace;
  /** What alerts are found by. */
  readonly derived: Derived | undefined;
}

/** `events.jsonl` as it stands and as it grows, and its fold. */
export class EventLog {
  model: RunModel = emptyRun();
  private lines: LineBuffer = lineBuffer();
  private tail: Tail;

  constructor(
    private readonly path: string,
    state?: EventLogState,
  ) {
    this.tail = new Tail(path, state?.place);
    if (state !== undefined) this.take(state);
  }

  /** Where reading stands. Shares its buffers with this log. */
  get state(): EventLogState {
    return { model: this.model, lines: this.lines, place: this.tail.place, derived: derivedFrom(this.model) };
  }

  /** Bytes that stood in the file after those that were read. */
  get leftBytes(): number {
    return this.tail.leftBytes;
  }

  /** Go on from where another reader of the same file stands; takes its buffers over. */
  async adopt(state: EventLogState): Promise<void> {
    await this.tail.close();
    this.tail = new Tail(this.path, state.place);
    this.take(state);
  }

  /** Read what is new: at least something of it, and no more once the clock of `performance.now()` is at `end`. */
  async read(end: number): Promise<FileRead> {
    let count = 0;
    let restarted = false;
    for (;;) {
      const step = await this.tail.next();
      if (step.kind === 'nothing') return { count, restarted, more: false };
      if (step.kind === 'restarted') {
        restarted = true;
        this.model = emptyRun();
        this.lines = lineBuffer();
        if (step.reason === 'vanished') return { count, restarted, more: false };
        continue;
      }
      const lines = pushBytes(this.lines, step.bytes);
      for (const line of lines) fold(this.model, readEventLine(line));
      count += lines.length;
      if (!step.more || performance.now() >= end) return { count, restarted, more: step.more };
    }
  }

  /** Work out what is otherwise worked out when it is first asked for: the extremes of curves, what alerts are found by. */
  workOut(): void {
    for (const { curve } of this.model.steps.metrics.values()) cover(curve);
    alertsOf(this.model, defaultThresholds);
  }

  /** Let go of the file. */
  close(): Promise<void> {
    return this.tail.close();
  }

  private take({ model, lines, derived }: EventLogState): void {
    this.model = model;
    this.lines = lines;
    if (derived !== undefined) keepDerived(model, derived);
  }
}
