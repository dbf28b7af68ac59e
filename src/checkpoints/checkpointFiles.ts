import { readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { adapterConfigFile, readAdapterConfig } from '../inference/adapterConfig';
import { adapterOf } from '../inference/adapterParts';
import type { DecoderParts } from '../inference/model';
import { configFile, generationFile, readModelConfig } from '../inference/modelConfig';
import { partsOf } from '../inference/parts';
import { CheckpointProblem } from '../inference/problem';
import { absentAsUndefined, changeOf, codeOf, isAbsence, readSmall, type ReadFile, type SeenFile } from './folderFile';
import { hashOf, type FolderContent } from './identity';
import { readWeightFiles } from './weightFiles';

/** A checkpoint whose files were read and agree with each other. Nothing of it is loaded yet. */
export interface Checkpoint {
  readonly kind: 'checkpoint';
  readonly parts: DecoderParts;
  /** Of the model, or of an adapter's base: absolute, links followed. */
  readonly folder: string;
  /** Where the files lie that `parts.tensors` names: `folder`, but for the cache of the Hub, which links them. */
  readonly weightsFolder: string;
  readonly adapterFolder: string | null;
  /** Every file that was looked into. */
  readonly files: readonly SeenFile[];
  /** Results are stored under it: hexadecimal SHA-256 of what decides them. */
  readonly hash: string;
  /** Of its weights on the disk, the base's and the adapter's together. */
  readonly bytes: number;
}

/** An adapter whose base has to be asked for. */
export interface BaseNeeded {
  readonly kind: 'base needed';
  /** As the adapter names it: a folder, or an id of the Hub; empty where it names none. */
  readonly base: string;
}

/** Where the base of an adapter may be. */
export interface BasePlaces {
  /** Folder that a person chose, absolute; null: the one that the adapter names. */
  readonly chosen: string | null;
  /** Absolute folders in which a relative name is looked for, one after the other. */
  readonly below: readonly string[];
}

/**
 * Reads configuration, headers and adapter of a checkpoint, and hashes it. Whatever is wrong with its files is the
 * answer; nothing that a file says leads out of its folder, but for the base that an adapter names.
 */
export async function openCheckpoint(
  folder: string,
  bases: BasePlaces,
): Promise<Checkpoint | BaseNeeded | CheckpointProblem> {
  const names = await namesIn(folder);
  try {
    return await open(folder, bases);
  } catch (error) {
    return (await removed(folder, names)) ?? told(error, folder);
  }
}

/** What has happened to a checkpoint's files since it was opened; undefined when nothing has. */
export async function stillTheSame(checkpoint: Checkpoint): Promise<CheckpointProblem | undefined> {
  for (const folder of [checkpoint.folder, checkpoint.adapterFolder]) {
    const gone = folder === null ? undefined : await removed(folder, []);
    if (gone !== undefined) return gone;
  }
  for (const file of checkpoint.files) {
    const change = await changeOf(file).catch((error: unknown) => told(error, file.path));
    if (change !== undefined) return change;
  }
  return undefined;
}

/** What a checkpoint says that scores with a number that is none: its headers cannot show it. */
export function notFinite(folder: string): CheckpointProblem {
  const fault = 'its weights give log-probs that are no numbers (NaN or infinite weights)';
  return new CheckpointProblem(fault, folder, 'choose an earlier checkpoint');
}

const mostConfigBytes = 4 * 1024 * 1024;
const mostTokenizerBytes = 64 * 1024 * 1024;

/** They decide the ids that a text becomes, and the text around a prompt. */
const tokenizerFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
];

async function open(folder: string, bases: BasePlaces): Promise<Checkpoint | BaseNeeded> {
  if (basename(folder).endsWith('.partial')) {
    throw new CheckpointProblem('is still being written', folder, 'wait until the checkpoint is complete');
  }
  const own = await realpath(folder);
  const adapterConfig = await readSmall(own, adapterConfigFile, mostConfigBytes);
  if (adapterConfig === undefined) {
    const { content, index, ...model } = await readModel(own);
    return checkpointOf({ ...model, adapter: null }, [content], null, index);
  }
  const adapter = readAdapterConfig(adapterConfig.content.toString('utf8'));
  const base = await findBase(adapter.base, bases);
  if (base === undefined) return { kind: 'base needed', base: adapter.base };
  if (await exists(join(base, adapterConfigFile))) {
    throw new CheckpointProblem('the base is an adapter itself', base, 'choose the model that adapter was merged into');
  }
  const { content, index, ...model } = await readModel(base);
  const weights = await readWeightFiles(own, 'adapter_model');
  const small = [adapterConfig, ...(await readTokenizer(own))];
  const parts = { ...model, adapter: adapterOf(adapter, weights.tensors, model.config) };
  return checkpointOf(parts, [content, { folder: own, small, weights: weights.files }], own, index, weights.index);
}

async function checkpointOf(
  parts: DecoderParts,
  folders: readonly [FolderContent, ...FolderContent[]],
  adapterFolder: string | null,
  ...indexes: readonly (SeenFile | undefined)[]
): Promise<Checkpoint> {
  const weights = folders.flatMap((content) => content.weights.map(({ seen }) => seen));
  const small = folders.flatMap((content) => content.small.map(({ seen }) => seen));
  const checkpoint: Checkpoint = {
    kind: 'checkpoint',
    ...linksFollowed(parts, folders[0]),
    folder: folders[0].folder,
    adapterFolder,
    files: [...small, ...weights, ...indexes.filter((index) => index !== undefined)],
    hash: await hashOf(folders),
    bytes: weights.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  const change = await stillTheSame(checkpoint);
  if (change !== undefined) throw change;
  return checkpoint;
}

/** Tensors by the names of the files themselves, and the one folder these lie in. */
function linksFollowed(
  parts: DecoderParts,
  { folder, weights }: FolderContent,
): Pick<Checkpoint, 'parts' | 'weightsFolder'> {
  const [first = folder, ...others] = new Set(weights.map(({ seen }) => dirname(seen.real)));
  if (others.length > 0) {
    const fault = 'has weights in several folders, to which its files are links';
    throw new CheckpointProblem(fault, folder, 'copy all of its files into one folder');
  }
  const names = new Map(weights.map(({ seen }) => [seen.name, basename(seen.real)]));
  const tensors = new Map(
    [...parts.tensors].map(([name, place]) => [name, { ...place, file: names.get(place.file) ?? place.file }]),
  );
  return { parts: { ...parts, tensors }, weightsFolder: first };
}

async function readModel(
  folder: string,
): Promise<Omit<DecoderParts, 'adapter'> & { readonly content: FolderContent; readonly index: SeenFile | undefined }> {
  const config = await readSmall(folder, configFile, mostConfigBytes);
  if (config === undefined) {
    throw new CheckpointProblem(`has no ${configFile}`, folder, 'choose a folder in Hugging Face layout');
  }
  const generation = await readSmall(folder, generationFile, mostConfigBytes);
  const decoder = readModelConfig(config.content.toString('utf8'), generation?.content.toString('utf8'));
  const weights = await readWeightFiles(folder, 'model');
  const small = [config, ...(generation === undefined ? [] : [generation]), ...(await readTokenizer(folder))];
  return {
    ...partsOf(decoder, weights.tensors),
    content: { folder, small, weights: weights.files },
    index: weights.index,
  };
}

async function readTokenizer(folder: string): Promise<readonly ReadFile[]> {
  const found: ReadFile[] = [];
  for (const name of tokenizerFiles) {
    const file = await readSmall(folder, name, mostTokenizerBytes);
    if (file !== undefined) found.push(file);
  }
  return found;
}

/** The folder of an adapter's base, links followed; undefined when it has to be asked for. */
async function findBase(name: string, { chosen, below }: BasePlaces): Promise<string | undefined> {
  if (chosen !== null) {
    const base = await absentAsUndefined(realpath(chosen));
    if (base === undefined) throw new CheckpointProblem('is no folder any more', chosen, 'choose the base once more');
    return base;
  }
  // A name that asks another machine for a folder would tell it who is asking.
  if (name === '' || name.includes('\0') || /^[\\/]{2}/.test(name)) return undefined;
  const home = name.startsWith('~/') ? join(homedir(), name.slice(2)) : name;
  const candidates = isAbsolute(home) ? [home] : below.map((place) => resolve(place, home));
  for (const candidate of candidates) {
    if (await exists(join(candidate, configFile))) return realpath(candidate);
  }
  return undefined;
}

/** A place that may not be looked into counts as there: opening it will tell. */
async function exists(path: string): Promise<boolean> {
  try {
    return (await absentAsUndefined(stat(path))) !== undefined;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return true;
  }
}

/** A run keeps its newest and its best checkpoints, and removes the others one file after the other. */
async function removed(folder: string, names: readonly string[]): Promise<CheckpointProblem | undefined> {
  const left = await namesIn(folder);
  const isWhole = names.every((name) => left.includes(name));
  if (isWhole && (0 < left.length || (await exists(folder)))) return undefined;
  const toDo = 'choose another checkpoint, or keep more of them with checkpoint.keep_last';
  return new CheckpointProblem('was rotated away or removed', folder, toDo);
}

/** Names in a folder; none where there is no folder, or where it cannot be read, which opening it will tell. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return [];
  }
}

/** What went wrong with a path, as a sentence; an error that is not the system's is thrown on. */
function told(error: unknown, path: string): CheckpointProblem {
  if (error instanceof CheckpointProblem) return error;
  const code = codeOf(error);
  if (code === undefined) throw error;
  const fault = isAbsence(error) ? 'a file of it was removed meanwhile' : `cannot be read (${code})`;
  return new CheckpointProblem(fault, path, 'open the checkpoint once more, or choose another');
}
