import type { Beginning } from './beginning';

/** Seconds beside the stages of a start, in the panel that shows it. */
export class StageClock {
  private since = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly beginning: Beginning,
    private readonly show: () => void,
  ) {
    this.timer = setInterval(() => {
      this.tick();
    }, 1000);
  }

  /** The trainer is busy with something else now. */
  stage(name: string): void {
    if (name.trim() === '') return;
    this.tick();
    this.since = performance.now();
    const before = this.beginning.stages.map((stage) => ({ ...stage, done: true }));
    this.beginning.stages = [...before, { name, seconds: 0, done: false }];
    this.show();
  }

  /** Tick no more. */
  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    this.beginning.stages = this.beginning.stages.map((stage) => (stage.done ? stage : { ...stage, seconds }));
    this.show();
  }
}
