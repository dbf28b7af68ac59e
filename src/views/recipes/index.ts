import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodeActionKind, languages, type Disposable, type ExtensionContext, type Uri } from 'vscode';
import type { SchemaNode } from '../../../core/recipeSchema';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import type { TrainerSource } from '../trainerEnvironment';
import { RecipeChecks } from './checks';
import { RecipeFixActions } from './recipeFixActions';
import { RecipeLenses } from './recipeLenses';

/** What recipes need of the rest of the extension. */
export interface RecipeParts {
  readonly environment: TrainerSource;
  readonly library: RunLibrary;
  readonly log: Log;
}

/** Recipes in the editor, and the commands about them. */
export interface RecipeFeatures extends Disposable {
  readonly checkRecipe: (uri: Uri) => Promise<void>;
  readonly newRecipe: () => Promise<void>;
}

/** Lenses, findings and quick fixes of `*.srft.json`. */
export function registerRecipes(context: ExtensionContext, { environment, library, log }: RecipeParts): RecipeFeatures {
  let schema: Promise<SchemaNode> | undefined;
  const readSchema = (): Promise<SchemaNode> => (schema ??= schemaIn(context.extensionPath));
  const selector = { scheme: 'file', pattern: '**/*.srft.json' };
  const checks = new RecipeChecks(environment, log);
  const lenses = new RecipeLenses(library);
  const owned: Disposable[] = [
    checks,
    lenses,
    languages.registerCodeLensProvider(selector, lenses),
    languages.registerCodeActionsProvider(selector, new RecipeFixActions(checks, readSchema), {
      providedCodeActionKinds: [CodeActionKind.QuickFix],
    }),
  ];
  return {
    checkRecipe: (uri) => checks.check(uri),
    newRecipe: async () => {
      const { newRecipe } = await import('./newRecipe');
      await newRecipe(join(context.extensionPath, 'trainer', 'demo'), await readSchema(), log);
    },
    dispose: () => {
      for (const part of owned) part.dispose();
    },
  };
}

async function schemaIn(extensionPath: string): Promise<SchemaNode> {
  return JSON.parse(await readFile(join(extensionPath, 'schema', 'recipe.schema.json'), 'utf8')) as SchemaNode;
}
