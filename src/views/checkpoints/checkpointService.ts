import { join } from 'node:path';
import { commands, ProgressLocation, window, type Disposable, type ExtensionContext } from 'vscode';
import { formatCount } from '../../../core/format';
import {
  notFinite,
  openCheckpoint,
  stillTheSame,
  type BaseNeeded,
  type BasePlaces,
  type Checkpoint,
} from '../../checkpoints/checkpointFiles';
import type { Scores, WriteRequest, Written } from '../../checkpoints/languageModel';
import { freeMemory, memoryNeed, whyItCannotFit } from '../../checkpoints/memory';
import { ModelHost, type OpenModel } from '../../checkpoints/modelHost';
import { missingNativeFiles } from '../../checkpoints/nativeLibrary';
import { ScoreCache } from '../../checkpoints/scoreCache';
import type { TokenizerAnswers, TokenizerQuestion } from '../../checkpoints/tokenizerAnswers';
import { Tokenizers } from '../../checkpoints/tokenizers';
import { CheckpointProblem } from '../../inference/problem';
import type { Log } from '../log';
import { settings } from '../settings';
import { baseFolders, type CheckpointPlace } from './checkpointPlaces';

/** Likeliest tokens that are kept of each place. */
export const keptAlternatives = 8;

/** How a checkpoint is asked. */
export interface Asking {
  readonly signal?: AbortSignal;
  /** Somebody waits, or it happens by itself; `user` where it is not said. */
  readonly priority?: 'user' | 'background';
}

export interface ScoreAsking extends Asking {
  /** The first token that is scored; at least 1, since nothing comes before the first. */
  readonly from: number;
  /** 1 where it is not said. */
  readonly temperature?: number;
  /** Told how many tokens are scored. */
  readonly onProgress?: (tokens: number) => void;
}

/** Whatever a checkpoint is asked goes through here: opened, checked, cached, in a process of its own. */
export class CheckpointService implements Disposable {
  private readonly host: ModelHost;
  private readonly tokenizers: Tokenizers;
  private readonly cache: ScoreCache;
  private readonly opened = new Map<string, Checkpoint>();
  /** Bases that a person named, by the adapter's folder. */
  private readonly bases = new Map<string, string>();
  private readonly dist: string;

  constructor(
    context: ExtensionContext,
    private readonly log: Log,
  ) {
    this.dist = join(context.extensionPath, 'dist');
    const idleMs = (): number => settings.checkpointIdleMinutes() * 60_000;
    const onLog = (text: string): void => {
      log.warn(text);
    };
    this.host = new ModelHost({
      entry: join(this.dist, 'modelProcess.cjs'),
      idleMs,
      onLog,
      onNotice: (sentence) => void window.showWarningMessage(sentence),
    });
    this.tokenizers = new Tokenizers({ script: join(this.dist, 'tokenizerThread.mjs'), idleMs, onLog });
    this.cache = new ScoreCache(join(context.globalStorageUri.fsPath, 'scores'), () => settings.scoreCacheBytes());
  }

  /** Reads a checkpoint's files; asks for the base of an adapter that is not found. Raises a CheckpointProblem. */
  async open(place: CheckpointPlace): Promise<Checkpoint> {
    const known = this.opened.get(place.folder);
    if (known !== undefined && (await stillTheSame(known)) === undefined) return known;
    const bases = this.basesOf(place);
    let found = await openCheckpoint(place.folder, bases);
    if ('kind' in found && found.kind === 'base needed') {
      const chosen = await askForBase(place, found);
      this.bases.set(place.folder, chosen);
      found = await openCheckpoint(place.folder, { ...bases, chosen });
    }
    if (found instanceof CheckpointProblem) throw found;
    if (found.kind === 'base needed') throw noBase(place, found);
    this.opened.set(place.folder, found);
    return found;
  }

  /**
   * Log-prob, entropy, rank and likeliest tokens of ids[from …]. Raises a CheckpointProblem, or the signal's reason.
   * What was asked before is answered from the storage.
   */
  async score(place: CheckpointPlace, ids: Int32Array, asking: ScoreAsking): Promise<Scores> {
    const { from, temperature = 1, onProgress, ...rest } = asking;
    const checkpoint = await this.open(place);
    refuseUnknown(ids, checkpoint, place);
    const top = Math.min(keptAlternatives, checkpoint.parts.config.vocabulary);
    const request = { ids, from, temperature, top };
    const known = await this.cache.get(checkpoint.hash, request);
    if (known !== undefined) return known;
    const model = await this.model(checkpoint, place, ids.length);
    const scores = await model.score(request, { ...rest, ...(onProgress === undefined ? {} : { onProgress }) });
    await refuseChanged(checkpoint);
    if (!scores.entropy.every((value) => Number.isFinite(value))) throw notFinite(place.folder);
    const kept = await this.cache.put(checkpoint.hash, request, scores);
    if (kept.kind === 'refused') this.log.warn(`Scores under ${place.name} are not kept: ${kept.reason}.`);
    return scores;
  }

  /** Can it be opened without asking a person anything? */
  async canOpen(place: CheckpointPlace): Promise<boolean> {
    const known = this.opened.get(place.folder);
    if (known !== undefined && (await stillTheSame(known)) === undefined) return true;
    const found = await openCheckpoint(place.folder, this.basesOf(place));
    return !(found instanceof CheckpointProblem) && found.kind === 'checkpoint';
  }

  /** What is known already; undefined where the checkpoint has to be asked. */
  async known(place: CheckpointPlace, ids: Int32Array, from: number, temperature = 1): Promise<Scores | undefined> {
    const checkpoint = await this.open(place);
    const top = Math.min(keptAlternatives, checkpoint.parts.config.vocabulary);
    return this.cache.get(checkpoint.hash, { ids, from, temperature, top });
  }

  /** Writes continuations of one text side by side. Raises a CheckpointProblem, or the signal's reason. */
  async write(
    place: CheckpointPlace,
    request: WriteRequest,
    asking: Asking & { readonly onTokens: (tokens: readonly Written[]) => void },
  ): Promise<void> {
    const checkpoint = await this.open(place);
    refuseUnknown(request.prefix, checkpoint, place);
    const tokens = request.prefix.length + request.maxTokens * request.seeds.length;
    const model = await this.model(checkpoint, place, tokens);
    await model.write(request, asking);
    await refuseChanged(checkpoint);
  }

  /**
   * Loads a checkpoint for texts of so many tokens together. Raises a CheckpointProblem, or the signal's reason.
   * @returns what computes, such as `cpu`, and the tokens that end an answer
   */
  async load(
    place: CheckpointPlace,
    tokens: number,
    asking: Asking,
  ): Promise<{ readonly provider: string; readonly endTokens: readonly number[] }> {
    const checkpoint = await this.open(place);
    const model = await this.model(checkpoint, place, tokens);
    return { provider: await model.load(asking), endTokens: checkpoint.parts.config.endTokens };
  }

  /** Asks its tokenizer: ids of a text, bytes of ids, the prompt that its chat template makes. */
  async ask<Q extends TokenizerQuestion>(place: CheckpointPlace, question: Q): Promise<TokenizerAnswers[Q['kind']]> {
    const { folder, adapterFolder, files, parts } = await this.open(place);
    // An adapter is stored with the tokenizer it was trained with, if with any.
    const hasOwn = files.some(({ path }) => adapterFolder !== null && path === join(adapterFolder, 'tokenizer.json'));
    const { vocabulary } = parts.config;
    const from = hasOwn && adapterFolder !== null ? adapterFolder : folder;
    return this.tokenizers.ask({ folder: from, name: place.name, vocabulary }, question);
  }

  /** Does a piece of work under a notification with a button to cancel it; tells a problem, and gives undefined then. */
  async withProgress<T>(
    title: string,
    work: (signal: AbortSignal, tell: (done: number, of: number) => void) => Promise<T>,
  ): Promise<T | undefined> {
    const stop = new AbortController();
    try {
      return await window.withProgress(
        { location: ProgressLocation.Notification, title, cancellable: true },
        (progress, token) => {
          token.onCancellationRequested(() => {
            stop.abort();
          });
          let told = 0;
          return work(stop.signal, (done, of) => {
            const share = of === 0 ? 100 : (100 * done) / of;
            progress.report({
              message: `${formatCount(done)} of ${formatCount(of)} tokens`,
              increment: Math.max(0, share - told),
            });
            told = share;
          });
        },
      );
    } catch (error) {
      if (!stop.signal.aborted) await this.tell(error);
      return undefined;
    }
  }

  /** Tells what went wrong in one sentence. */
  async tell(error: unknown): Promise<void> {
    if (error instanceof CheckpointProblem) {
      void window.showErrorMessage(error.message);
      return;
    }
    this.log.error(error instanceof Error ? error : new Error(String(error)));
    const answer = await window.showErrorMessage(
      'A checkpoint could not be asked; the log has the details.',
      'Show Log',
    );
    if (answer !== undefined) await commands.executeCommand('srft.showLog');
  }

  dispose(): void {
    this.host.dispose();
    this.tokenizers.dispose();
  }

  private basesOf({ folder, run }: CheckpointPlace): BasePlaces {
    const below = [folder, ...(run === undefined ? [] : baseFolders(run))];
    return { chosen: this.bases.get(folder) ?? null, below };
  }

  /** `tokens`: of all texts together. */
  private async model(checkpoint: Checkpoint, place: CheckpointPlace, tokens: number): Promise<OpenModel> {
    const missing = missingNativeFiles(this.dist);
    if (missing !== undefined) throw missing;
    const source = {
      key: checkpoint.hash,
      name: place.name,
      parts: checkpoint.parts,
      options: {
        folder: checkpoint.weightsFolder,
        adapterFolder: checkpoint.adapterFolder,
        threads: settings.checkpointThreads(),
        providers: settings.checkpointProviders(),
      },
    };
    if (!this.host.isLoaded(source.key)) {
      const need = memoryNeed(checkpoint.parts, { tokens, rows: 1, chunk: largestChunk });
      const refusal = whyItCannotFit(need, await freeMemory(), place.folder);
      if (refusal !== undefined) throw refusal;
    }
    return this.host.open(source);
  }
}

/** Tokens that are scored in one call at most (onnxModel.ts). */
const largestChunk = 256;

async function askForBase(place: CheckpointPlace, needed: BaseNeeded): Promise<string> {
  const chosen = await window.showOpenDialog({
    title: `${place.name} is an adapter of ${needed.base === '' ? 'a model' : needed.base}: where is that model?`,
    canSelectFiles: false,
    canSelectFolders: true,
  });
  const folder = chosen?.[0]?.fsPath;
  if (folder === undefined) throw noBase(place, needed);
  return folder;
}

function noBase(place: CheckpointPlace, { base }: BaseNeeded): CheckpointProblem {
  const what = base === '' ? 'the model it was trained on' : `${base}, the model it was trained on,`;
  return new CheckpointProblem(`${what} was not found`, place.folder, 'choose the folder of that model when asked');
}

/** Ids of another tokenizer mean nothing here. */
function refuseUnknown(ids: Int32Array, { parts }: Checkpoint, place: CheckpointPlace): void {
  const { vocabulary } = parts.config;
  if (ids.every((id) => id >= 0 && id < vocabulary)) return;
  throw new CheckpointProblem(
    `the text has tokens that the model's ${formatCount(vocabulary)} do not have`,
    place.folder,
    'choose a checkpoint with the same tokenizer',
  );
}

async function refuseChanged(checkpoint: Checkpoint): Promise<void> {
  const change = await stillTheSame(checkpoint);
  if (change !== undefined) throw change;
}
