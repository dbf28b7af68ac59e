import type { Memento, Uri } from 'vscode';
import { mostScored } from '../../../core/traceScores';

/** A checkpoint as it is remembered. */
export interface KeptPlace {
  /** Absolute. */
  readonly folder: string;
  readonly name: string;
  readonly runId: string | null;
  readonly step: number | null;
}

const scoredKey = 'srft.scoredTraces';
const lastKey = 'srft.lastCheckpoint';
const mostDocuments = 200;

/** Under which checkpoints the documents of this workspace were scored, so that their scores come back after a reload. */
export class ScoredPlaces {
  constructor(
    private readonly workspaceState: Memento,
    private readonly globalState: Memento,
  ) {}

  /** The checkpoint that was asked last, anywhere. */
  get last(): KeptPlace | undefined {
    return this.globalState.get<KeptPlace>(lastKey);
  }

  /** In the order in which they were asked. */
  of(uri: Uri): readonly KeptPlace[] {
    return this.all().find(([document]) => document === uri.toString())?.[1] ?? [];
  }

  /** Remember that a document was scored; of too many documents the first is forgotten. */
  async add(uri: Uri, place: KeptPlace): Promise<void> {
    const key = uri.toString();
    const others = this.of(uri).filter(({ folder }) => folder !== place.folder);
    const entry: Entry = [key, [...others, place].slice(-mostScored)];
    const rest = this.all().filter(([document]) => document !== key);
    await this.workspaceState.update(scoredKey, [...rest, entry].slice(-mostDocuments));
    await this.globalState.update(lastKey, place);
  }

  private all(): readonly Entry[] {
    return this.workspaceState.get<readonly Entry[]>(scoredKey, []);
  }
}

type Entry = readonly [document: string, places: readonly KeptPlace[]];
