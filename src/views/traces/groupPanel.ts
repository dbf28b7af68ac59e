import { commands, Uri, type Disposable, type WebviewPanel } from 'vscode';
import type { ToGroupView } from '../../../core/generated/group';
import { validateToGroupHost } from '../../../core/generated/groupValidators.mjs';
import { visibleWords } from '../../../core/visibleWords';
import {
  groupKey,
  groupWith,
  readTraining,
  type GroupMember,
  type ReadGroup,
  type TrainingGroup,
} from '../../runs/groupMessage';
import type { Rerolls } from '../../runs/rerolls';
import type { RunStore } from '../../runs/runStore';
import type { RunWatch } from '../../runs/runWatch';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import { pageOf } from '../panelPage';
import type { RerollPlace, TraceAddress, TraceRange } from './traceAddress';
import type { FrontTrace } from './frontTrace';
import type { TraceLibrary } from './traceLibrary';

/** What the view of a group needs of the rest. */
export interface GroupParts {
  readonly extensionUri: Uri;
  readonly library: RunLibrary;
  readonly traces: TraceLibrary;
  readonly front: FrontTrace;
  readonly rerolls: Rerolls;
  readonly log: Log;
}

/** A rollout, where its run is known already. */
export interface Found {
  readonly run: RunWatch;
  readonly row: number;
}

/** A group that was read, as long as its run's index is the same. */
interface Known {
  readonly index: RunStore['index'];
  readonly row: number;
  readonly group: Promise<TrainingGroup>;
}

/** Re-rolls that are being written are told at most this often, and never take more than a fifth of the time. */
const tellEveryMs = 200;
const pauseShare = 4;

/** One webview and the group it shows. Hidden it gets nothing, and shown again it is told all. */
export class GroupPanel {
  /** Names the group, once it is known: its run and the first of its rollouts. */
  key: string | undefined;
  private known: Known | undefined;
  /** What the view was told last: the numbers it says are places in that. */
  private told: ReadGroup | undefined;
  private isWaiting = false;
  private tellingAgain: NodeJS.Timeout | undefined;
  private pauseMs = tellEveryMs;
  /** A re-roll that is to be chosen once the view was told of it. */
  private coming: { readonly number: number; readonly token: number } | undefined;
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly panel: WebviewPanel,
    private address: TraceAddress,
    private readonly parts: GroupParts,
    found?: Found,
  ) {
    const { extensionUri, library, rerolls } = parts;
    panel.iconPath = {
      light: Uri.joinPath(extensionUri, 'media', 'group-light.svg'),
      dark: Uri.joinPath(extensionUri, 'media', 'group-dark.svg'),
    };
    this.subscriptions = [
      panel.webview.onDidReceiveMessage((message: unknown) => {
        this.guard(this.receive(message));
      }),
      // A view that a reload restored may be of a run that is found a moment later.
      library.onList(() => {
        if (this.isWaiting) this.guard(this.tell());
      }),
      rerolls.onChange((group) => {
        if (group === this.key) this.tellAgainSoon();
      }),
    ];
    // Read while the webview is made; a failure is told when the view asks.
    if (found !== undefined) this.read(found).catch(() => undefined);
    panel.webview.html = pageOf(panel.webview, extensionUri, 'group', address);
  }

  /** Come to the front, with this rollout of the group chosen. */
  show(address: TraceAddress): void {
    this.address = address;
    const isVisible = this.panel.visible;
    this.panel.reveal();
    if (isVisible) this.guard(this.tell());
  }

  /** Choose a rollout of the group, unless a person chooses here. */
  follow(row: number): void {
    if (this.known === undefined || this.panel.active) return;
    const id = this.known.index.ids[row];
    this.choose((name) => name.kind === 'training' && name.id === id, null);
  }

  /** Choose the fork at `token` that leads to a re-roll, as soon as it is there. */
  chooseOnceThere(number: number, token: number): void {
    this.coming = { number, token };
    this.chooseComing();
  }

  /** Let go, once the panel is closed. */
  release(): void {
    clearTimeout(this.tellingAgain);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  dispose(): void {
    this.panel.dispose();
  }

  private async receive(message: unknown): Promise<void> {
    const { rerolls, log } = this.parts;
    if (!validateToGroupHost(message)) log.error('a group’s view sent a message that is none');
    else if (message.kind === 'ready') await this.tell();
    else if (this.told === undefined || this.key === undefined) return;
    else if (message.kind === 'stopRerolls') rerolls.stop(this.key);
    else if (message.kind === 'forgetRerolls') rerolls.forget(this.key);
    else await this.receiveOf(message.kind, this.told.samples[message.sample], 'token' in message ? message.token : 0);
  }

  private async receiveOf(
    kind: 'openToken' | 'reroll' | 'chosen',
    member: GroupMember | undefined,
    token: number,
  ): Promise<void> {
    if (member === undefined) return;
    const place = this.placeOf(member);
    if (kind === 'openToken') await commands.executeCommand('srft.openTrace', place, rangeOf(member, token));
    else if (kind === 'reroll') await commands.executeCommand('srft.rerollHere', place, token);
    else if (member.name.kind === 'training') await this.chosen(place);
  }

  private placeOf({ name }: GroupMember): TraceAddress | RerollPlace {
    const { runId } = this.address;
    if (name.kind === 'training') return { runId, id: name.id };
    return { runId, id: this.address.id, number: name.number };
  }

  private async chosen(address: TraceAddress): Promise<void> {
    const found = await this.parts.traces.find(address);
    if (found.kind === 'read' && this.panel.active) this.parts.front.set(found.value);
  }

  private choose(is: (name: GroupMember['name']) => boolean, token: number | null): boolean {
    const sample = this.told?.samples.findIndex(({ name }) => is(name)) ?? -1;
    if (sample !== -1) this.send({ kind: 'choose', sample, token });
    return sample !== -1;
  }

  private chooseComing(): void {
    const { coming } = this;
    if (coming === undefined || !this.panel.visible) return;
    const isThere = this.choose((name) => name.kind === 'reroll' && name.number === coming.number, coming.token);
    if (isThere) this.coming = undefined;
  }

  private async tell(): Promise<void> {
    const found = await this.parts.traces.find(this.address);
    this.isWaiting = found.kind === 'broken';
    if (found.kind === 'broken') {
      this.send({ kind: 'trouble', message: found.reason });
      return;
    }
    const training = await this.read(found.value);
    const { prompt, step } = training.facts;
    this.panel.title = `${visibleWords(prompt).slice(0, 60)} · step ${step} · group`;
    this.tellOf(training);
  }

  private tellOf(training: TrainingGroup): void {
    const start = performance.now();
    this.told = groupWith(training, this.parts.rerolls.of(this.key ?? ''));
    this.send(this.told.message);
    this.chooseComing();
    this.pauseMs = Math.max(tellEveryMs, pauseShare * (performance.now() - start));
  }

  private tellAgainSoon(): void {
    this.tellingAgain ??= setTimeout(() => {
      this.tellingAgain = undefined;
      const { known } = this;
      // Hidden it gets nothing, and shown again it asks.
      if (known === undefined || !this.panel.visible) return;
      this.guard(
        known.group.then((training) => {
          this.tellOf(training);
        }),
      );
    }, this.pauseMs);
  }

  private read({ run, row }: Found): Promise<TrainingGroup> {
    const { store } = run;
    this.key = groupKey(store, row);
    // A run that was begun anew has another index; what was read of the old one is no longer true.
    if (this.known?.index !== store.index || this.known.row !== row)
      this.known = { index: store.index, row, group: this.readNew(store, row, this.parts.library.header(run).name) };
    return this.known.group;
  }

  private async readNew(store: RunStore, row: number, run: string): Promise<TrainingGroup> {
    try {
      return await readTraining(store, row, run);
    } catch (error) {
      // Tried again when somebody asks again.
      this.known = undefined;
      throw error;
    }
  }

  private send(message: ToGroupView): void {
    if (this.panel.visible) void this.panel.webview.postMessage(message);
  }

  private guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.parts.log.error(error instanceof Error ? error : String(error));
      this.send({ kind: 'trouble', message: error instanceof Error ? error.message : String(error) });
    });
  }
}

/** What a token of a sequence spells; behind its last it is the last. */
function rangeOf({ trace }: GroupMember, token: number): TraceRange | undefined {
  const starts = trace?.starts;
  if (starts === undefined || starts.length < 2) return undefined;
  const place = Math.min(token, starts.length - 2);
  return { from: starts[place] ?? 0, to: starts[place + 1] ?? 0 };
}
