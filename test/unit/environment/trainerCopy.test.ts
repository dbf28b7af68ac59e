import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { copyTrainer, removeOldCopies, trainerCopies } from '../../../src/environment/trainerCopy';
import { isInUse, noteUse } from '../../../src/runs/usage';
import { inFolder } from '../support/folder';

describe('the copy of the trainer', () => {
  it('holds what training needs, once, whoever asks how often', () =>
    inFolder(async (storage) => {
      const [first, second] = await Promise.all([
        copyTrainer('trainer', storage, '0.1.0'),
        copyTrainer('trainer', storage, '0.1.0'),
      ]);
      assert.deepEqual(first, second);
      assert.match(first.name, /^0\.1\.0-[0-9a-f]{12}$/);
      assert.deepEqual(await readdir(join(storage, 'trainer')), [first.name]);
      const held = (await readdir(first.folder)).sort();
      assert.deepEqual(held, ['demo', 'pyproject.toml', 'requirements-uv.lock', 'requirements.lock', 'srft']);
      assert.deepEqual((await readdir(join(first.folder, 'demo'))).sort(), ['base', 'data', 'recipes']);
      assert.deepEqual(await copyTrainer('trainer', storage, '0.1.0'), first);
    }));

  it('new content is another copy; what Python leaves behind is not', () =>
    inFolder(async (folder) => {
      const bundled = await smallTrainer(folder);
      const first = await copyTrainer(bundled, folder, '1.0.0');
      await mkdir(join(first.folder, 'srft', '__pycache__'));
      await writeFile(join(first.folder, 'srft', '__pycache__', 'cli.pyc'), 'x');
      assert.equal((await copyTrainer(bundled, folder, '1.0.0')).name, first.name);
      await writeFile(join(bundled, 'srft', 'cli.py'), 'second');
      const second = await copyTrainer(bundled, folder, '1.0.0');
      assert.notEqual(second.name, first.name);
      assert.equal(await readFile(join(first.folder, 'srft', 'cli.py'), 'utf8'), 'first');
    }));

  it('a damaged copy is replaced', () =>
    inFolder(async (folder) => {
      const bundled = await smallTrainer(folder);
      const { folder: copy } = await copyTrainer(bundled, folder, '1.0.0');
      await rm(join(copy, 'srft', 'cli.py'));
      await copyTrainer(bundled, folder, '1.0.0');
      assert.equal(await readFile(join(copy, 'srft', 'cli.py'), 'utf8'), 'first');
    }));

  it('a folder that holds no trainer leaves nothing behind', () =>
    inFolder(async (folder) => {
      await assert.rejects(copyTrainer(folder, join(folder, 'storage'), '1'), /holds no trainer/);
      assert.deepEqual(await trainerCopies(join(folder, 'storage')), []);
    }));

  it('old copies go when no live run uses them', () =>
    inFolder(async (folder) => {
      const bundled = await smallTrainer(folder);
      const used = await copyTrainer(bundled, folder, '1.0.0');
      const unused = await copyTrainer(bundled, folder, '1.1.0');
      const current = await copyTrainer(bundled, folder, '1.2.0');
      // The run has only just been launched, so there is no directory yet.
      await noteUse(used.folder, join(folder, 'runs', 'starting'));
      const removed = await removeOldCopies(folder, current, isInUse);
      assert.deepEqual(removed, [unused]);
      const left = (await trainerCopies(folder)).map(({ name }) => name).sort();
      assert.deepEqual(left, [used.name, current.name].sort());
    }));
});

async function smallTrainer(folder: string): Promise<string> {
  const bundled = join(folder, 'bundled');
  await mkdir(join(bundled, 'srft'), { recursive: true });
  await writeFile(join(bundled, 'srft', 'cli.py'), 'first');
  await writeFile(join(bundled, 'requirements.lock'), '');
  return bundled;
}
