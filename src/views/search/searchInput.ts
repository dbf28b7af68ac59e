import { InputBoxValidationSeverity, ThemeIcon, window, type Memento } from 'vscode';
import { parseQuery, type QueryNames, type RolloutQuery } from '../../../core/rolloutQuery';
import { visibleMessage } from '../../../core/visibleWords';

/** What a person wants to find, as read and as written. */
export interface AskedQuery {
  readonly query: RolloutQuery;
  readonly text: string;
}

const historyKey = 'srft.searches';
const longestHistory = 30;
const prompt =
  'Words, "quoted words", /expressions/, reward<0.5, length>400, step:60-72, opening:"The answer", prompt:p1, kind:rollout, is:wrong; a minus leaves out.';

/** Ask for a search; what is wrong with it is said while it is typed, earlier ones are behind a button. */
export async function askForQuery(
  memory: Memento,
  runName: string,
  names: QueryNames,
): Promise<AskedQuery | undefined> {
  const history = memory.get<readonly string[]>(historyKey, []);
  let text = history[0] ?? '';
  for (;;) {
    const answer = await ask(`Search the rollouts of ${runName}`, text, names, history.length > 0);
    if (answer.kind === 'nothing') return undefined;
    if (answer.kind === 'query') {
      await memory.update(
        historyKey,
        [answer.text, ...history.filter((known) => known !== answer.text)].slice(0, longestHistory),
      );
      return answer;
    }
    text = (await window.showQuickPick(history, { title: 'Earlier searches' })) ?? answer.text;
  }
}

type Answer =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'history'; readonly text: string }
  | ({ readonly kind: 'query' } & AskedQuery);

function ask(title: string, text: string, names: QueryNames, hasHistory: boolean): Promise<Answer> {
  return new Promise((resolve) => {
    const box = window.createInputBox();
    const end = (answer: Answer): void => {
      resolve(answer);
      box.dispose();
    };
    const validate = (): AskedQuery | undefined => {
      const parsed = parseQuery(box.value, names);
      box.validationMessage =
        parsed.kind === 'query'
          ? undefined
          : { message: visibleMessage(parsed.reason), severity: InputBoxValidationSeverity.Error };
      if (parsed.kind === 'mistake' || parsed.query.terms.length === 0) return undefined;
      return { query: parsed.query, text: box.value.trim() };
    };
    box.title = title;
    box.prompt = prompt;
    box.placeholder = 'wait reward<0.5';
    box.value = text;
    box.valueSelection = [0, text.length];
    if (hasHistory) box.buttons = [{ iconPath: new ThemeIcon('history'), tooltip: 'Earlier Searches' }];
    box.onDidChangeValue(validate);
    box.onDidTriggerButton(() => {
      end({ kind: 'history', text: box.value });
    });
    box.onDidAccept(() => {
      const asked = validate();
      if (asked !== undefined) end({ kind: 'query', ...asked });
    });
    box.onDidHide(() => {
      end({ kind: 'nothing' });
    });
    box.show();
    validate();
  });
}
