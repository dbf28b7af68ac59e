import { judgeRequest } from '../../../core/judgeAgain';
import type { Reroll, RerollVerdict } from '../../../core/rerolls';
import { rolloutText } from '../../../core/rolloutColumns';
import { traceOf } from '../../../core/trace';
import { JudgeSession, type JudgeAnswer } from '../../runs/judgeSession';
import type { RunWatch } from '../../runs/runWatch';
import { recipeThere } from '../forkQuestions';
import type { JudgingParts } from '../traces/judging';
import { judgeSettings } from '../traces/judgeQuestion';

/** The judge of the recipe of a run, for re-rolls of one of its rollouts; where there is none, the reason. */
export class RerollJudge {
  private readonly stop = new AbortController();
  private readonly session: Promise<JudgeSession | { readonly reason: string }>;
  /** It answers one question at a time. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly run: RunWatch,
    private readonly row: number,
    parts: JudgingParts,
  ) {
    this.session = this.begin(parts).catch((error: unknown) => {
      parts.log.warn(`no judge for re-rolls: ${error instanceof Error ? error.message : String(error)}`);
      return { reason: 'its recipe cannot be read' };
    });
  }

  /** What the judge says of a re-roll that is finished. */
  ask(reroll: Reroll): Promise<RerollVerdict> {
    const asked = this.last.then(() => this.askNow(reroll));
    this.last = asked.catch(() => undefined);
    return asked;
  }

  /** End the judge, once nothing more is asked. */
  close(): void {
    this.stop.abort();
    void this.session.then((session) => {
      if (session instanceof JudgeSession) session.close();
    });
  }

  private async askNow(reroll: Reroll): Promise<RerollVerdict> {
    const session = await this.session;
    if (!(session instanceof JudgeSession)) return { kind: 'not judged', reason: session.reason };
    const { store } = this.run;
    const prompt = await store.readPrompt(this.row);
    const trace = traceOf(reroll.record, prompt.kind === 'read' ? rolloutText(prompt.value) : '');
    const stop = reroll.state === 'ended' ? 'end' : 'length';
    const settings = judgeSettings(this.run, store.index.kinds[this.row]);
    return verdictOf(await session.ask(judgeRequest(trace, store.index, this.row, settings, stop)));
  }

  private async begin({
    environment,
    consent,
    log,
  }: JudgingParts): Promise<JudgeSession | { readonly reason: string }> {
    const recipe = await recipeThere(this.run);
    if (recipe === undefined) return { reason: 'the recipe of the run is not where it was' };
    if (!(await consent.given(this.run, recipe))) return { reason: 'its reward was not allowed' };
    const trainer = await environment.existing(this.stop.signal);
    if ('reason' in trainer) return trainer;
    return new JudgeSession({
      python: trainer.python,
      trainerFolder: trainer.folder,
      recipe,
      env: process.env,
      onWords: (line) => {
        log.info(line);
      },
    });
  }
}

function verdictOf(answer: JudgeAnswer): RerollVerdict {
  switch (answer.kind) {
    case 'verdict': {
      const { correct, reward, note } = answer.verdict;
      return { kind: 'judged', correct, reward, note };
    }
    case 'refused':
      return { kind: 'not judged', reason: answer.reason.replace(/\.$/, '') };
    case 'ended':
      return { kind: 'not judged', reason: answer.reason?.replace(/\.$/, '') ?? 'the judge was ended' };
  }
}
