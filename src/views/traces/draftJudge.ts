import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { workspace } from 'vscode';
import type { NewVerdict } from '../../../core/judgeAgain';
import { recipeIn } from '../../recipes/recipeJson';
import { JudgeSession } from '../../runs/judgeSession';
import { rewardCodeOfRecipe } from '../../runs/rewardConsent';
import { judgeQuestion } from './judgeQuestion';
import type { JudgingParts } from './judging';
import type { Promotion } from './promote';

/** What the judge says of a text. */
export type DraftAnswer =
  | { readonly kind: 'verdict'; readonly verdict: Omit<NewVerdict, 'row'> }
  | { readonly kind: 'refused'; readonly reason: string }
  /** It was ended before it could say. */
  | { readonly kind: 'cancelled' }
  /** There is no judge until a person asks again. */
  | { readonly kind: 'stopped'; readonly reason: string };

const idleMs = 120_000;

/** The recipe's judge, in a process that stays while somebody types, and is begun anew when recipe or reward change. */
export class DraftJudge {
  private session: { readonly judge: JudgeSession; readonly code: string } | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly parts: JudgingParts) {}

  /** Judge a text that a person made of a rollout; the answer about the one before must have come. */
  async ask(promotion: Promotion, text: string): Promise<DraftAnswer> {
    const { run, row } = promotion;
    if (!workspace.isTrusted) return { kind: 'stopped', reason: 'this workspace is in Restricted Mode' };
    clearTimeout(this.idle);
    const question = await judgeQuestion(run, row, text);
    if (question.kind === 'broken') return { kind: 'stopped', reason: question.reason };
    const judge = await this.judgeFor(promotion);
    if (judge === undefined) return { kind: 'stopped', reason: 'its judge was not started' };
    const answer = await judge.ask(question.value.request);
    this.idle = setTimeout(() => {
      this.cancel();
    }, idleMs);
    if (answer.kind !== 'ended') return answer;
    this.cancel();
    return answer.reason === null ? { kind: 'cancelled' } : { kind: 'stopped', reason: answer.reason };
  }

  /** End what it is busy with; the next question begins another. */
  cancel(): void {
    clearTimeout(this.idle);
    this.session?.judge.close();
    this.session = undefined;
  }

  private async judgeFor({ run, recipe }: Promotion): Promise<JudgeSession | undefined> {
    const code = await codeOf(recipe);
    if (this.session?.code === code) return this.session.judge;
    this.cancel();
    const { environment, consent, log } = this.parts;
    if (!(await consent.given(run, recipe))) return undefined;
    const trainer = await environment.ready();
    if (trainer === undefined) return undefined;
    const judge = new JudgeSession({
      python: trainer.python,
      trainerFolder: trainer.folder,
      recipe,
      env: process.env,
      onWords: (line) => {
        log.info(line);
      },
    });
    this.session = { judge, code };
    return judge;
  }
}

/** Names what a recipe judges by, as it is now. */
async function codeOf(recipe: string): Promise<string> {
  const text = await readFile(recipe, 'utf8');
  const codes = await rewardCodeOfRecipe(recipeIn(text), dirname(recipe));
  return createHash('sha256')
    .update(JSON.stringify([text, codes]))
    .digest('hex');
}
