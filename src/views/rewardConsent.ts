import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Uri, window, type Memento } from 'vscode';
import { recipeIn } from '../recipes/recipeJson';
import { rewardCodeOfRecipe, rewardCodeOfRun, type RewardCode } from '../runs/rewardConsent';
import type { RunWatch } from '../runs/runWatch';

const consentedKey = 'srft.consentedRewards';
const launchedKey = 'srft.launchedRuns';

/** Knows which runs this machine launched, and which rewards a person allowed. */
export class RewardConsent {
  constructor(private readonly state: Memento) {}

  /**
   * A `python` reward is somebody's code: shown, and asked about once for each content. `recipe` is the file that is
   * trained from; null where it is what the run itself carries.
   */
  async given(run: RunWatch, recipe: string | null): Promise<boolean> {
    const { store } = run;
    if (this.state.get<string[]>(launchedKey, []).includes(store.manifest.run_id)) return true;
    const codes =
      recipe === null
        ? await rewardCodeOfRun(store.directory, store.manifest)
        : await rewardCodeOfRecipe(recipeIn(await readFile(recipe, 'utf8')), dirname(recipe));
    for (const code of codes) {
      const known = this.state.get<string[]>(consentedKey, []);
      if (code.sha256 !== null && known.includes(code.sha256)) continue;
      if (!(await askForConsent(code))) return false;
      if (code.sha256 !== null) await this.state.update(consentedKey, [...known, code.sha256]);
    }
    return true;
  }

  /** This machine launched the run, so its code is the person's own. */
  async rememberLaunch(run: RunWatch): Promise<void> {
    const known = this.state.get<string[]>(launchedKey, []);
    const id = run.store.manifest.run_id;
    if (!known.includes(id)) await this.state.update(launchedKey, [...known, id].slice(-1000));
  }
}

async function askForConsent({ path, file, sha256, recorded }: RewardCode): Promise<boolean> {
  const changed = recorded !== null && sha256 !== null && recorded !== sha256;
  const hash = sha256 === null ? 'The file is not there.' : `SHA-256 ${sha256}`;
  const note = changed ? '\nIt is not the file that the run was made with.' : '';
  const answer = await window.showWarningMessage(
    'This run judges with Python code that this machine has not run yet.',
    { modal: true, detail: `${path}\n${hash}${note}\n\nRead it before you allow it: it runs with your rights.` },
    'Show File',
    'Allow',
  );
  if (answer !== 'Show File') return answer === 'Allow';
  await window.showTextDocument(Uri.file(file), { preview: true });
  return (await window.showInformationMessage('Run this reward?', 'Allow', 'Cancel')) === 'Allow';
}
