import { dirname } from 'node:path';
import { EventEmitter, Uri, workspace, type Disposable } from 'vscode';
import type { Log } from '../log';
import { dataUses, type DataUse } from '../../recipes/recipeJson';

/** A data set and the recipe that names it. */
export interface RecipeUse extends DataUse {
  readonly recipe: Uri;
}

const pattern = '**/*.srft.json';
const mostRecipes = 200;

/** Which files of demonstrations the workspace's recipes name, and how. */
export class RecipeUses implements Disposable {
  private readonly changed = new EventEmitter<void>();
  private readonly byRecipe = new Map<string, readonly RecipeUse[]>();
  private readonly subscriptions: Disposable[];
  readonly onDidChange = this.changed.event;

  constructor(private readonly log: Log) {
    const watcher = workspace.createFileSystemWatcher(pattern);
    const read = (uri: Uri): void => {
      void this.read(uri).then(() => {
        this.changed.fire();
      });
    };
    this.subscriptions = [
      this.changed,
      watcher,
      watcher.onDidCreate(read),
      watcher.onDidChange(read),
      watcher.onDidDelete((uri) => {
        this.byRecipe.delete(uri.toString());
        this.changed.fire();
      }),
      workspace.onDidChangeWorkspaceFolders(() => void this.findAll()),
    ];
    void this.findAll();
  }

  /** The uses of a file, in no order that means anything. */
  of(path: string): readonly RecipeUse[] {
    return [...this.byRecipe.values()].flat().filter((use) => use.path === path);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async findAll(): Promise<void> {
    this.byRecipe.clear();
    const found = await workspace.findFiles(pattern, '**/{node_modules,runs,.venv}/**', mostRecipes);
    for (const uri of found) await this.read(uri);
    this.changed.fire();
  }

  private async read(uri: Uri): Promise<void> {
    try {
      const text = new TextDecoder().decode(await workspace.fs.readFile(uri));
      const uses = dataUses(text, dirname(uri.fsPath));
      this.byRecipe.set(
        uri.toString(),
        uses.map((use) => ({ ...use, recipe: uri })),
      );
    } catch (error) {
      this.byRecipe.delete(uri.toString());
      this.log.debug(`${uri.fsPath}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
