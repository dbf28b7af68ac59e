import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { JsonFile } from '../inference/jsonFile';
import { CheckpointProblem } from '../inference/problem';
import { headerLength, lengthBytes, readHeader, type StoredTensor, type StoredTensors } from '../inference/safetensors';
import { shown } from '../inference/shown';
import { checkWeightsName, readAt, readSmall, withFile, type SeenFile } from './folderFile';

/** The weights of a folder as their headers tell of them. */
export interface WeightFiles {
  readonly tensors: StoredTensors;
  readonly files: readonly WeightFile[];
  /** Beside the weights: the index of a sharded checkpoint. */
  readonly index: SeenFile | undefined;
}

export interface WeightFile {
  readonly seen: SeenFile;
  /** Of this file alone. */
  readonly tensors: StoredTensors;
  /** The bytes of its header. */
  readonly header: Buffer;
}

const mostShards = 1000;
const mostIndexBytes = 4 * 1024 * 1024;

/**
 * Headers of `<stem>.safetensors`, or of the shards that `<stem>.safetensors.index.json` names, in the order that
 * transformers looks for them. Pickled weights are never read: a pickle is a program.
 *
 * @param folder absolute, with its own links followed
 * @param stem `model` or `adapter_model`
 * @throws {CheckpointProblem} when there are none, or when one lies
 */
export async function readWeightFiles(folder: string, stem: string): Promise<WeightFiles> {
  const single = await readOne(folder, `${stem}.safetensors`);
  if (single !== undefined) return { tensors: single.tensors, files: [single], index: undefined };
  const index = await readSmall(folder, `${stem}.safetensors.index.json`, mostIndexBytes);
  if (index === undefined) throw await noWeights(folder);
  return readShards(folder, index.seen, index.content.toString('utf8'));
}

async function readShards(folder: string, index: SeenFile, text: string): Promise<WeightFiles> {
  const map = JsonFile.parse(index.name, text).inner('weight_map');
  const entries = Object.entries(map?.object ?? {});
  const where = `${index.name}, weight_map`;
  if (entries.length === 0) throw new CheckpointProblem('names no file', where, 'download the checkpoint once more');
  const files = new Map<string, WeightFile>();
  const tensors = new Map<string, StoredTensor>();
  for (const [tensor, name] of entries) {
    if (typeof name !== 'string') throw misled(`gives ${shown(name)} as the file of ${shown(tensor)}`, where);
    checkWeightsName(name, where);
    const file = files.get(name) ?? (await readOne(folder, name));
    if (file === undefined) throw misled(`names the file ${shown(name)}, which is not there`, where);
    if (!files.has(name)) addAll(tensors, file);
    files.set(name, file);
    if (mostShards < files.size) throw misled(`names more than ${mostShards} files`, where);
    if (!file.tensors.has(tensor)) throw misled(`says that ${shown(tensor)} is in ${name}, which has none`, where);
  }
  return { tensors, files: [...files.values()], index };
}

function addAll(tensors: Map<string, StoredTensor>, file: WeightFile): void {
  for (const [name, tensor] of file.tensors) {
    const other = tensors.get(name);
    if (other !== undefined) throw misled(`the tensor ${shown(name)} is in ${other.file}, too`, tensor.file);
    tensors.set(name, tensor);
  }
}

function readOne(folder: string, name: string): Promise<WeightFile | undefined> {
  return withFile(folder, name, async ({ seen, handle }) => {
    const first = await readAt(handle, seen, 0, Math.min(lengthBytes, seen.bytes));
    const length = headerLength(name, first, seen.bytes);
    const header = await readAt(handle, seen, lengthBytes, length);
    return { seen, header, tensors: readHeader(name, header, seen.bytes) };
  });
}

async function noWeights(folder: string): Promise<CheckpointProblem> {
  const names = await readdir(folder);
  const pickled = names.filter((name) => /\.(bin|pt|pth|ckpt|pkl)$/.test(name) && name !== 'training_args.bin').sort();
  const [first] = pickled;
  if (first === undefined) {
    return new CheckpointProblem('holds no weights', folder, 'copy its *.safetensors there, or choose another folder');
  }
  const fault = 'is pickled, which can hold a program, and only safetensors are read';
  return new CheckpointProblem(fault, join(folder, first), 'convert the weights to safetensors first');
}

function misled(fault: string, where: string): CheckpointProblem {
  return new CheckpointProblem(fault, where, 'copy or download the checkpoint once more');
}
