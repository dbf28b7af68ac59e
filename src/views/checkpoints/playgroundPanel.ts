import { env, Uri, window, workspace, type Disposable, type WebviewPanel } from 'vscode';
import { assertNever } from '../../../core/assertNever';
import type { PlaygroundSetup, Prompt, ToPlaygroundHost, ToPlaygroundView } from '../../../core/generated/playground';
import { validateToPlaygroundHost } from '../../../core/generated/playgroundValidators.mjs';
import { recipeAsking } from '../../../core/recipeSampling';
import { makePrompt } from '../../checkpoints/answerPrompt';
import { CheckpointProblem } from '../../inference/problem';
import type { RunWatch } from '../../runs/runWatch';
import { pageOf } from '../panelPage';
import { pickPlaces, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointParts } from './index';
import type { CheckpointService } from './checkpointService';
import { answererOf } from './placeAnswerer';
import { givenMessage, markdownOf, PlaygroundAnswers } from './playgroundAnswers';
import { keptPlace } from './playgroundState';

/** Columns of the page. */
export const mostColumns = 3;
const restrictedSentence =
  'This workspace is in Restricted Mode, where no checkpoint is loaded: trust it, then ask again.';
const noCheckpointSentence = 'No checkpoint is chosen: take up to three with Choose Checkpoints…';
const unexpectedSentence = 'The checkpoint could not be asked; the log has the details (SRFT: Show Output).';

/** One page in which checkpoints answer a prompt beside each other. What is under way goes on while it is hidden. */
export class PlaygroundPanel {
  private isReady = false;
  private readonly answers: PlaygroundAnswers;
  /** The prompt of a trace that was taken over last. */
  private taken: { readonly number: number; readonly text: string } | undefined;
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly panel: WebviewPanel,
    /** Whose checkpoints it began with; undefined where there was none. */
    readonly run: RunWatch | undefined,
    private places: readonly CheckpointPlace[],
    private readonly parts: CheckpointParts,
    private readonly service: CheckpointService,
  ) {
    const { extensionUri } = parts.context;
    panel.iconPath = {
      light: Uri.joinPath(extensionUri, 'media', 'run-light.svg'),
      dark: Uri.joinPath(extensionUri, 'media', 'run-dark.svg'),
    };
    panel.title = run === undefined ? 'Playground' : `${parts.library.header(run).name} · playground`;
    this.answers = new PlaygroundAnswers({
      answererOf: (place) => answererOf(service, place),
      unexpected: (error) => this.unexpected(error),
      isHeard: () => this.isHeard(),
      send: (message) => {
        this.send(message);
      },
    });
    this.subscriptions = [
      panel.webview.onDidReceiveMessage((message: unknown) => {
        this.receive(message).catch((error: unknown) => {
          void service.tell(error);
        });
      }),
      panel.onDidChangeViewState(() => {
        // A webview that was hidden is made anew, and says so itself.
        if (!panel.visible) this.isReady = false;
      }),
      workspace.onDidGrantWorkspaceTrust(() => {
        this.tellSetup();
      }),
    ];
    this.makePage();
  }

  reveal(): void {
    this.panel.reveal();
  }

  /** Have this checkpoint among those that answer. */
  include(place: CheckpointPlace): void {
    if (this.places.some(({ folder }) => folder === place.folder)) return;
    this.setPlaces([...this.places.slice(0, mostColumns - 1), place]);
  }

  /** Put the prompt of a trace into the page. */
  take(text: string): void {
    // A page that a reload brought back remembers the last one of the window before.
    this.taken = { number: Date.now(), text };
    this.tellTaken();
  }

  dispose(): void {
    this.panel.dispose();
  }

  /** Let go, once the panel is closed. */
  release(): void {
    this.isReady = false;
    this.answers.abandon();
    for (const held of this.subscriptions) held.dispose();
  }

  private makePage(): void {
    this.isReady = false;
    // The page keeps what brings it back after a reload.
    const state = {
      directories: this.run === undefined ? [] : [this.run.store.directory],
      places: this.places.map(keptPlace),
    };
    this.panel.webview.html = pageOf(this.panel.webview, this.parts.context.extensionUri, 'playground', state);
  }

  private async receive(message: unknown): Promise<void> {
    if (!validateToPlaygroundHost(message)) this.parts.log.error('the playground sent a message that is none');
    else await this.answer(message);
  }

  private async answer(message: ToPlaygroundHost): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        this.tellAll();
        return;
      case 'choose':
        await this.choose();
        return;
      case 'run':
        if (this.trouble() === '') await this.answers.ask(this.places, message.prompt, message.sampling);
        return;
      case 'showPrompt':
        await this.showPrompt(message.prompt);
        return;
      case 'stop':
        this.answers.stop();
        return;
      case 'copy':
        await this.copy(message.column, message.form);
        return;
      default:
        assertNever(message);
    }
  }

  private async choose(): Promise<void> {
    const title = `Which checkpoints answer? Up to ${mostColumns}, beside each other`;
    const options = { title, most: mostColumns, chosen: this.places };
    const picked = await pickPlaces(this.parts.library, this.run, options);
    if (picked === undefined) return;
    // Who stays keeps its column.
    const isAmong = (places: readonly CheckpointPlace[], { folder }: CheckpointPlace): boolean =>
      places.some((place) => place.folder === folder);
    const stay = this.places.filter((place) => isAmong(picked, place));
    this.setPlaces([...stay, ...picked.filter((place) => !isAmong(stay, place))]);
  }

  private setPlaces(places: readonly CheckpointPlace[]): void {
    this.answers.abandon();
    this.places = places;
    this.makePage();
  }

  private async showPrompt(prompt: Prompt): Promise<void> {
    if (this.trouble() !== '') return;
    for (const [column, place] of this.places.entries()) {
      try {
        this.send(givenMessage(column, await makePrompt(answererOf(this.service, place), prompt)));
      } catch (error) {
        const problem = error instanceof CheckpointProblem ? error.message : this.unexpected(error);
        this.send({ kind: 'prompt', column, pieces: [], tokens: 0, note: '', problem });
      }
    }
  }

  private async copy(column: number, form: 'text' | 'markdown'): Promise<void> {
    const [answer, place] = [this.answers.of(column), this.places[column]];
    if (answer === undefined || place === undefined) return;
    await env.clipboard.writeText(form === 'text' ? answer.text : markdownOf(place.name, answer));
    window.setStatusBarMessage(`The answer of ${place.name} is on the clipboard.`, 3000);
  }

  private unexpected(error: unknown): string {
    this.parts.log.error(error instanceof Error ? error : new Error(String(error)));
    return unexpectedSentence;
  }

  /** Why nothing can be asked; empty when it can. */
  private trouble(): string {
    if (!workspace.isTrusted) return restrictedSentence;
    return this.places.length === 0 ? noCheckpointSentence : '';
  }

  private tellAll(): void {
    this.tellSetup();
    this.tellTaken();
    this.answers.tellAgain();
  }

  private tellSetup(): void {
    const { sampling, system } = recipeAsking(this.run?.store.manifest.recipe);
    const checkpoints = this.places.map(({ name, run, description }): PlaygroundSetup['checkpoints'][number] => {
      const from = run === undefined ? '' : this.parts.library.header(run).name;
      return { name, detail: [from, description].filter((words) => words !== '').join(' · ') };
    });
    this.send({ kind: 'setup', checkpoints, defaults: sampling, system, trouble: this.trouble() });
  }

  private tellTaken(): void {
    if (this.taken !== undefined) this.send({ kind: 'taken', ...this.taken });
  }

  private isHeard(): boolean {
    // Of a page that is closed nothing may be asked.
    return this.isReady && this.panel.visible;
  }

  private send(message: ToPlaygroundView): void {
    if (this.isHeard()) void this.panel.webview.postMessage(message);
  }
}
