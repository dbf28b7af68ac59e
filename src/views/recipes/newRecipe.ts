import { constants } from 'node:fs';
import { access, cp, mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { Uri, window, workspace, type QuickPickItem } from 'vscode';
import { dataFacts } from '../../../core/dataFacts';
import type { SchemaNode } from '../../../core/recipeSchema';
import {
  parametersInName,
  pythonRewardText,
  recipeText,
  type DataFacts,
  type JudgeChoice,
  type MethodChoice,
  type ModelFacts,
  type RecipeAnswers,
} from '../../../core/recipeText';
import type { Log } from '../log';

type DataAnswer = RecipeAnswers['data'];
type Choice<T> = QuickPickItem & { readonly value: T };

const hubId = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;
const factBytes = 8 * 1024 * 1024;
const notSearched = '**/{node_modules,runs,.venv,checkpoints}/**';
const heldOutNames = ['held_out', 'heldout', 'validation', 'valid', 'val', 'dev', 'eval', 'test'];

/** Ask four things and write a recipe that trains. Nothing is overwritten; leaving a question leaves everything. */
export async function newRecipe(demo: string, schema: SchemaNode, log: Log): Promise<void> {
  const folder = targetFolder();
  if (folder === undefined) {
    void window.showInformationMessage('Open a folder first: a recipe is a file in it.');
    return;
  }
  try {
    const model = await askModel(folder, demo);
    if (model === undefined) return;
    const data = await askData(folder, demo);
    if (data === undefined) return;
    const judge = await askJudge(data.facts);
    if (judge === undefined) return;
    const method = await askMethod(data.facts);
    if (method === undefined) return;
    await write(folder, { model, data, judge, method }, schema);
  } catch (error) {
    log.error(error instanceof Error ? error : String(error));
    void window.showErrorMessage(`No recipe was made: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function targetFolder(): string | undefined {
  const active = window.activeTextEditor?.document.uri;
  const around = active === undefined ? undefined : workspace.getWorkspaceFolder(active);
  return (around ?? workspace.workspaceFolders?.[0])?.uri.fsPath;
}

async function askModel(folder: string, demo: string): Promise<ModelFacts | undefined> {
  const found = await modelFolders();
  const items: Choice<string>[] = [
    ...found.map((path) => ({ label: slashed(relative(folder, path)), description: 'folder', value: path })),
    { label: '$(folder-opened) Another folder…', description: 'safetensors in Hugging Face layout', value: 'folder' },
    { label: '$(cloud-download) A Hub id…', description: 'fetched when it is first used', value: 'hub' },
    { label: "$(beaker) Copy the demo's model", description: '4 MB, trains on a CPU', value: 'demo' },
  ];
  const picked = await window.showQuickPick(items, { title: 'New recipe (1 of 4): which model?' });
  switch (picked?.value) {
    case undefined:
      return undefined;
    case 'hub': {
      const id = await window.showInputBox({
        ignoreFocusOut: true,
        title: 'New recipe (1 of 4): which model of the Hub?',
        placeHolder: 'Qwen/Qwen3-0.6B',
        validateInput: (text) => (hubId.test(text.trim()) ? undefined : 'A Hub id is written like Qwen/Qwen3-0.6B.'),
      });
      return id === undefined ? undefined : { path: id.trim(), parameters: parametersInName(id.trim()), context: null };
    }
    case 'folder': {
      const chosen = await window.showOpenDialog({ title: 'The model', canSelectFiles: false, canSelectFolders: true });
      const path = chosen?.[0]?.fsPath;
      return path === undefined ? undefined : modelFacts(folder, path);
    }
    case 'demo': {
      const path = join(folder, 'demo', 'model');
      await copyMissing(join(demo, 'base'), path);
      return modelFacts(folder, path);
    }
    default:
      return modelFacts(folder, picked?.value ?? '');
  }
}

async function modelFolders(): Promise<readonly string[]> {
  const configs = await workspace.findFiles('**/config.json', notSearched, 50);
  const folders = configs.map(({ fsPath }) => dirname(fsPath)).sort();
  const sizes = await Promise.all(folders.map((path) => weightBytes(path)));
  return folders.filter((_, number) => (sizes[number] ?? 0) > 0);
}

async function modelFacts(folder: string, path: string): Promise<ModelFacts> {
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as Record<string, unknown>;
  const context = config['max_position_embeddings'];
  const type = config['torch_dtype'] ?? config['dtype'];
  const bytes = await weightBytes(path);
  return {
    path: recipePath(folder, path),
    parameters: bytes === 0 ? null : bytes / (type === 'float32' ? 4 : 2),
    context: typeof context === 'number' && context > 0 ? context : null,
  };
}

async function weightBytes(path: string): Promise<number> {
  const names = await readdir(path).catch(() => []);
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  const sizes = await Promise.all(weights.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function askData(folder: string, demo: string): Promise<DataAnswer | undefined> {
  const found = await workspace.findFiles('**/*.{jsonl,parquet}', notSearched, 200);
  const items: Choice<string>[] = [
    ...found
      .map(({ fsPath }) => ({ label: slashed(relative(folder, fsPath)), value: fsPath }))
      .sort((a, b) => a.label.localeCompare(b.label)),
    {
      label: "$(beaker) Copy the demo's data",
      description: '512 sums with solutions, and held-out ones',
      value: 'demo',
    },
  ];
  const picked = await window.showQuickPick(items, { title: 'New recipe (2 of 4): which problems?' });
  if (picked === undefined) return undefined;
  if (picked.value !== 'demo') return dataAnswer(folder, picked.value);
  const copies = join(folder, 'demo');
  await mkdir(copies, { recursive: true });
  for (const name of ['train.jsonl', 'held_out.jsonl']) await copyMissing(join(demo, 'data', name), join(copies, name));
  return dataAnswer(folder, join(copies, 'train.jsonl'));
}

async function dataAnswer(folder: string, path: string): Promise<DataAnswer> {
  const heldOut = await heldOutBeside(path);
  return {
    path: recipePath(folder, path),
    heldOut: heldOut === undefined ? null : recipePath(folder, heldOut),
    facts: path.endsWith('.jsonl') ? await factsOf(path) : null,
  };
}

async function heldOutBeside(path: string): Promise<string | undefined> {
  const ending = path.endsWith('.jsonl') ? '.jsonl' : '.parquet';
  const names = heldOutNames.map((name) => join(dirname(path), `${name}${ending}`)).filter((name) => name !== path);
  for (const name of names) if (await isThere(name)) return name;
  return undefined;
}

async function factsOf(path: string): Promise<DataFacts | null> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, factBytes)), 0, undefined, 0);
    return dataFacts(buffer.toString('utf8', 0, bytesRead), bytesRead, size);
  } finally {
    await file.close();
  }
}

async function askJudge(facts: DataFacts | null): Promise<JudgeChoice | undefined> {
  const boxed = facts?.boxes === true ? 'the demonstrations have it' : 'asked for by a system prompt';
  const items: Choice<JudgeChoice>[] = [
    { label: 'Exact', description: `the text in \\boxed{} equals the answer; ${boxed}`, value: 'exact' },
    { label: 'Math', description: 'equal by value: 1/2 is 0.5', value: 'math' },
    { label: 'Regular expression', description: 'a pattern finds the answer in the response', value: 'regex' },
    { label: 'Python', description: 'a function of yours, in a file beside the recipe', value: 'python' },
  ];
  return (await window.showQuickPick(items, { title: 'New recipe (3 of 4): how are answers judged?' }))?.value;
}

async function askMethod(facts: DataFacts | null): Promise<MethodChoice | undefined> {
  const hasNone = facts?.longestDemonstration === 0;
  const needs = hasNone ? 'needs demonstrations, and none were found' : 'learns from demonstrations';
  const grpo: Choice<MethodChoice> = { label: 'GRPO', description: 'reinforcement alone', value: 'grpo' };
  const others: Choice<MethodChoice>[] = [
    { label: 'SRFT', description: `demonstrations and own rollouts at once; ${needs}`, value: 'srft' },
    { label: 'SFT', description: needs, value: 'sft' },
    { label: 'SFT → RL', description: `first the one, then the other; ${needs}`, value: 'sft_rl' },
    { label: 'LUFFY', description: `a demonstration joins each group; ${needs}`, value: 'luffy' },
  ];
  const [srft, ...rest] = others;
  const items = hasNone || srft === undefined ? [grpo, ...others] : [srft, grpo, ...rest];
  return (await window.showQuickPick(items, { title: 'New recipe (4 of 4): how does the model learn?' }))?.value;
}

async function write(
  folder: string,
  answers: Pick<RecipeAnswers, 'model' | 'data' | 'judge' | 'method'>,
  schema: SchemaNode,
): Promise<void> {
  const wanted = `${basename(answers.model.path)}-${answers.method}`.replace(/[^A-Za-z0-9._ -]/g, '-').slice(0, 60);
  const base = /^[A-Za-z0-9]/.test(wanted) ? wanted : `recipe-${wanted}`;
  const name = await freeName(folder, base);
  const rewardFile = `${name}_reward.py`;
  if (answers.judge === 'python' && !(await isThere(join(folder, rewardFile)))) {
    await writeFile(join(folder, rewardFile), pythonRewardText, { flag: 'wx' });
  }
  const file = join(folder, `${name}.srft.json`);
  await writeFile(file, recipeText({ ...answers, name, rewardFile }, schema), { flag: 'wx' });
  await window.showTextDocument(Uri.file(file));
}

async function freeName(folder: string, base: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!(await isThere(join(folder, `${name}.srft.json`)))) return name;
  }
}

/** What is there already stays as it is. */
async function copyMissing(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, force: false, errorOnExist: false });
}

function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** As a recipe in the folder writes it: relative where the file lies within, else absolute. */
function recipePath(folder: string, path: string): string {
  const within = relative(folder, path);
  return within.startsWith('..') || within === '' ? slashed(path) : slashed(within);
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
