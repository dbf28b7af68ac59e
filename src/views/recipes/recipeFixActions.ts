import {
  CodeAction,
  CodeActionKind,
  Range,
  WorkspaceEdit,
  type CodeActionContext,
  type CodeActionProvider,
  type Diagnostic,
  type TextDocument,
} from 'vscode';
import { fixesFor, schemaFixes, type RecipeFix } from '../../../core/recipeFixes';
import { knownKeys, nearestWord, valueAt, type SchemaNode } from '../../../core/recipeSchema';
import type { RecipeChecks } from './checks';
import { changeRecipe, keyAt, recipeIn } from '../../recipes/recipeJson';

/** Quick fixes: what a finding's sentence asks for, done in the file. */
export class RecipeFixActions implements CodeActionProvider {
  constructor(
    private readonly checks: RecipeChecks,
    private readonly schema: () => Promise<SchemaNode>,
  ) {}

  async provideCodeActions(document: TextDocument, _range: Range, context: CodeActionContext): Promise<CodeAction[]> {
    const schema = await this.schema();
    const text = document.getText();
    return context.diagnostics.flatMap((diagnostic) =>
      this.fixesOf(document, text, schema, diagnostic).flatMap((fix, number) => {
        const edit = editOf(document, text, fix);
        if (edit === undefined) return [];
        const action = new CodeAction(fix.title, CodeActionKind.QuickFix);
        action.diagnostics = [diagnostic];
        action.isPreferred = number === 0;
        action.edit = edit;
        return [action];
      }),
    );
  }

  private fixesOf(
    document: TextDocument,
    text: string,
    schema: SchemaNode,
    diagnostic: Diagnostic,
  ): readonly RecipeFix[] {
    const recipe = recipeIn(text);
    const finding = this.checks.findingAt(document.uri, diagnostic);
    if (finding !== undefined) return fixesFor(finding.message, finding.key, (path) => valueAt(schema, recipe, path));
    if (diagnostic.source === 'srft') return [];
    const key = keyAt(text, document.offsetAt(diagnostic.range.start));
    const near = (word: string): string | undefined => nearestWord(word, knownKeys(schema, recipe, key.slice(0, -1)));
    return key.length === 0 ? [] : schemaFixes(diagnostic.message, key, near);
  }
}

/** The smallest replacement that makes the change. */
function editOf(document: TextDocument, text: string, { change }: RecipeFix): WorkspaceEdit | undefined {
  const after = changeRecipe(text, change);
  if (after === text) return undefined;
  let start = 0;
  while (start < Math.min(text.length, after.length) && text[start] === after[start]) start += 1;
  let same = 0;
  const most = Math.min(text.length, after.length) - start;
  while (same < most && text.at(-1 - same) === after.at(-1 - same)) same += 1;
  const range = new Range(document.positionAt(start), document.positionAt(text.length - same));
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, range, after.slice(start, after.length - same));
  return edit;
}
