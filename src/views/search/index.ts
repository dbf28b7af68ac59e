import { setTimeout as sleep } from 'node:timers/promises';
import { commands, window, type Disposable, type ExtensionContext, type TreeView } from 'vscode';
import { valueAt } from '../../../core/columns';
import { exampleKey } from '../../../core/frequency';
import { namesOf } from '../../../core/rolloutMatch';
import { changeNodes, hitNode, stepNode, times, type SearchNode } from '../../../core/searchNodes';
import { printStepRange, type StepRange } from '../../../core/stepRange';
import type { RunWatch } from '../../runs/runWatch';
import { searchRollouts } from '../../runs/searchRollouts';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import type { RunPicker } from '../pick';
import { askForRanges } from './rangeQuestions';
import { askForQuery, type AskedQuery } from './searchInput';
import { SearchTree } from './searchTree';

/** What a search needs of the rest of the extension. */
export interface SearchParts {
  readonly library: RunLibrary;
  readonly pick: RunPicker;
  readonly log: Log;
  /** The steps that are brushed in a run's panel. */
  readonly brushedSteps: (run: RunWatch) => StepRange | undefined;
}

const viewId = 'srft.search';
/** A tree of more is no help to anybody. */
const mostHits = 5000;
const mostOpenSteps = 5;
const drawEveryMs = 250;

/** Search over the rollouts of a run, and what became more frequent in it: two commands, one tree. */
export class RolloutSearch implements Disposable {
  private readonly tree = new SearchTree();
  private readonly view: TreeView<SearchNode>;
  private readonly subscriptions: Disposable[];
  private atWork: AbortController | undefined;
  private searched: RunWatch | undefined;

  constructor(
    private readonly context: ExtensionContext,
    private readonly parts: SearchParts,
  ) {
    this.view = window.createTreeView(viewId, { treeDataProvider: this.tree, showCollapseAll: true });
    this.subscriptions = [
      this.tree,
      this.view,
      parts.library.onList(() => {
        const { searched } = this;
        if (searched !== undefined && parts.library.of(searched.store.directory) !== searched) void this.clear();
      }),
    ];
  }

  /** Ask what to find in which run, and show it. */
  async search(target: unknown): Promise<void> {
    const run = await this.parts.pick.one(target, 'Search the rollouts of which run?');
    if (run === undefined) return;
    const { name } = this.parts.library.header(run);
    const asked = await askForQuery(this.context.workspaceState, name, namesOf(run.store.index));
    if (asked !== undefined) await this.work(run, asked.text, (signal) => this.find(run, name, asked, signal));
  }

  /** Ask which steps of which run to compare, and show what changed. */
  async whatChanged(target: unknown): Promise<void> {
    const run = await this.parts.pick.one(target, 'What became more frequent in which run?');
    if (run === undefined) return;
    const { name } = this.parts.library.header(run);
    const { step } = run.store.model.steps;
    const steps = { from: valueAt(step, 0), to: valueAt(step, step.length - 1) };
    const ranges = await askForRanges(name, steps, this.parts.brushedSteps(run));
    if (ranges === undefined) return;
    const title = `steps ${printStepRange(ranges.before)} → ${printStepRange(ranges.after)}`;
    await this.work(run, title, async (signal) => {
      const onProgress = (share: number): void => {
        this.view.message = `Comparing steps of ${name} … ${Math.floor(100 * share)} %`;
      };
      const { whatChanged } = await import('../../runs/whatChanged');
      const result = await whatChanged(run.store, ranges, { signal, onProgress });
      if (result.kind === 'broken') {
        this.view.message = result.reason;
        return;
      }
      const { examples } = result.value;
      const nodes = changeNodes(result.value, (example) => examples.get(exampleKey(example)));
      this.tree.show(run.store.manifest.run_id, () => nodes);
      const { before, after } = result.value.totals;
      const what = nodes.length === 0 ? 'Nothing changed clearly' : 'Share of rollouts that have it, before → after';
      this.say(`${what}; ${name}, ${before} against ${after} rollouts.`, result.value.troubles);
    });
  }

  /** End the search at work; what was found stays. */
  cancel(): void {
    this.atWork?.abort();
  }

  /** Show no results any more. */
  async clear(): Promise<void> {
    this.cancel();
    this.searched = undefined;
    this.tree.show('', () => []);
    this.view.message = '';
    this.view.description = '';
    await commands.executeCommand('setContext', 'srft.hasSearch', false);
  }

  dispose(): void {
    this.cancel();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** One thing at a time: what is at work already is ended. */
  private async work(run: RunWatch, title: string, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.cancel();
    const stop = new AbortController();
    this.atWork = stop;
    this.searched = run;
    this.tree.show(run.store.manifest.run_id, () => []);
    this.view.description = title;
    this.view.message = 'Searching …';
    await commands.executeCommand('setContext', 'srft.hasSearch', true);
    await commands.executeCommand('setContext', 'srft.isSearching', true);
    await commands.executeCommand(`${viewId}.focus`);
    try {
      await window.withProgress({ location: { viewId } }, async () => {
        await this.readWhole(run, stop.signal);
        await task(stop.signal);
      });
    } catch (error) {
      if (stop.signal.aborted) {
        if (this.atWork === stop) this.view.message = 'Cancelled.';
      } else {
        this.parts.log.error(error instanceof Error ? error : String(error));
        this.view.message = `The search failed: ${error instanceof Error ? error.message : String(error)}`;
      }
    } finally {
      if (this.atWork === stop) {
        this.atWork = undefined;
        await commands.executeCommand('setContext', 'srft.isSearching', false);
      }
    }
  }

  /** A long record is read in slices; what is searched is all of it. */
  private async readWhole(run: RunWatch, signal: AbortSignal): Promise<void> {
    const isReading = (): boolean => run.isReading;
    if (!isReading()) return;
    const attention = this.parts.library.attend(run);
    this.view.message = 'Reading the record …';
    try {
      while (isReading()) await sleep(50, undefined, { signal });
    } finally {
      attention.dispose();
    }
  }

  private async find(run: RunWatch, name: string, { query }: AskedQuery, signal: AbortSignal): Promise<void> {
    const steps = new Map<number, SearchNode[]>();
    const drawn = (): SearchNode[] =>
      [...steps].sort(([a], [b]) => a - b).map(([step, hits], place) => stepNode(step, hits, place < mostOpenSteps));
    this.tree.show(run.store.manifest.run_id, drawn);
    let rollouts = 0;
    let matches = 0;
    let share = 0;
    let nextDraw = performance.now() + drawEveryMs;
    const found = (): string => {
      const rest = matches === 0 ? '' : `, ${times(matches, 'match', 'matches')}`;
      return `${times(rollouts, 'rollout', 'rollouts')}${rest}, in ${name}`;
    };
    const draw = (): void => {
      this.tree.changed();
      this.view.message = `Searching … ${Math.floor(100 * share)} %: ${found()}`;
      nextDraw = performance.now() + drawEveryMs;
    };
    const searching = searchRollouts(run.store, query, {
      signal,
      onProgress: ({ searched, candidates }) => {
        share = candidates === 0 ? 1 : searched / candidates;
        if (!signal.aborted && performance.now() >= nextDraw) draw();
      },
    });
    try {
      for (;;) {
        const next = await searching.next();
        if (next.done === true) {
          this.say(`${found()}.`, next.value.troubles);
          break;
        }
        signal.throwIfAborted();
        rollouts += 1;
        matches += next.value.count;
        const hits = steps.get(next.value.step) ?? [];
        steps.set(next.value.step, hits);
        hits.push(hitNode(next.value));
        if (rollouts === mostHits) {
          this.say(`The first ${found()}; more terms would narrow the search.`, []);
          break;
        }
        if (performance.now() >= nextDraw) draw();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      if (this.atWork?.signal === signal) this.say(`Cancelled at ${Math.floor(100 * share)} %: ${found()}.`, []);
    } finally {
      await searching.return({ searched: 0, candidates: 0, troubles: [] });
      this.tree.changed();
    }
  }

  private say(message: string, troubles: readonly string[]): void {
    this.view.message = [message, ...troubles.map(sentence)].join(' ');
  }
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
