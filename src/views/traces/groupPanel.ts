import { commands, Uri, type Disposable, type WebviewPanel } from 'vscode';
import type { OpenToken, ToGroupView } from '../../../core/generated/group';
import { validateToGroupHost } from '../../../core/generated/groupValidators.mjs';
import { visibleWords } from '../../../core/visibleWords';
import { readGroup, rowsOfGroup, type ReadGroup } from '../../runs/groupMessage';
import type { RunStore } from '../../runs/runStore';
import type { RunWatch } from '../../runs/runWatch';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import { pageOf } from '../panelPage';
import type { TraceAddress, TraceRange } from './traceAddress';
import type { FrontTrace } from './frontTrace';
import type { TraceLibrary } from './traceLibrary';

/** What the view of a group needs of the rest. */
export interface GroupParts {
  readonly extensionUri: Uri;
  readonly library: RunLibrary;
  readonly traces: TraceLibrary;
  readonly front: FrontTrace;
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
  readonly group: Promise<ReadGroup>;
}

/** One webview and the group it shows. Hidden it gets nothing, and shown again it is told all. */
export class GroupPanel {
  /** Names the group, once it is known: its run and the first of its rollouts. */
  key: string | undefined;
  private known: Known | undefined;
  private isWaiting = false;
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly panel: WebviewPanel,
    private address: TraceAddress,
    private readonly parts: GroupParts,
    found?: Found,
  ) {
    const { extensionUri, library } = parts;
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
    if (this.known !== undefined && !this.panel.active) this.guard(this.choose(this.known, row));
  }

  /** Let go, once the panel is closed. */
  release(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  dispose(): void {
    this.panel.dispose();
  }

  private async receive(message: unknown): Promise<void> {
    if (!validateToGroupHost(message)) this.parts.log.error('a group’s view sent a message that is none');
    else if (message.kind === 'ready') await this.tell();
    else if (this.known === undefined) return;
    else if (message.kind === 'openToken') await openToken(await this.known.group, this.address.runId, message);
    else await this.chosen(await this.known.group, message.sample);
  }

  private async chosen({ samples }: ReadGroup, sample: number): Promise<void> {
    const id = samples[sample]?.id;
    const found = id === undefined ? undefined : await this.parts.traces.find({ runId: this.address.runId, id });
    if (found?.kind === 'read' && this.panel.active) this.parts.front.set(found.value);
  }

  private async choose({ index, group }: Known, row: number): Promise<void> {
    const { samples } = await group;
    const sample = samples.findIndex(({ id }) => id === index.ids[row]);
    if (sample !== -1) this.send({ kind: 'choose', sample });
  }

  private async tell(): Promise<void> {
    const found = await this.parts.traces.find(this.address);
    this.isWaiting = found.kind === 'broken';
    if (found.kind === 'broken') {
      this.send({ kind: 'trouble', message: found.reason });
      return;
    }
    const { message } = await this.read(found.value);
    this.panel.title = `${visibleWords(message.prompt).slice(0, 60)} · step ${message.step} · group`;
    this.send(message);
  }

  private read({ run, row }: Found): Promise<ReadGroup> {
    const { store } = run;
    this.key = groupKey(store, row);
    // A run that was begun anew has another index; what was read of the old one is no longer true.
    if (this.known?.index !== store.index || this.known.row !== row)
      this.known = { index: store.index, row, group: this.readNew(store, row, this.parts.library.header(run).name) };
    return this.known.group;
  }

  private async readNew(store: RunStore, row: number, run: string): Promise<ReadGroup> {
    try {
      return await readGroup(store, row, run);
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

/** Open the trace of a sample at a token; behind its last, at the last. */
async function openToken({ samples }: ReadGroup, runId: string, { sample, token }: OpenToken): Promise<void> {
  const chosen = samples[sample];
  if (chosen === undefined) return;
  await commands.executeCommand('srft.openTrace', { runId, id: chosen.id }, rangeOf(chosen.trace?.starts, token));
}

function rangeOf(starts: Uint32Array | undefined, token: number): TraceRange | undefined {
  if (starts === undefined || starts.length < 2) return undefined;
  const place = Math.min(token, starts.length - 2);
  return { from: starts[place] ?? 0, to: starts[place + 1] ?? 0 };
}
