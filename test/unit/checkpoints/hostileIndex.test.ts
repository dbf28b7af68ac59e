import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint } from '../../../src/checkpoints/checkpointFiles';
import type { SeenFile } from '../../../src/checkpoints/folderFile';
import { CheckpointProblem } from '../../../src/inference/problem';
import { Chance, mutated } from '../inference/mutations';
import { leaving } from '../inference/references';
import { inFolder } from '../support/folder';
import { model, safetensors, shapes, written } from './writtenCheckpoint';

test('600 mutated indexes: each names shards of the folder, or is refused', () =>
  inFolder(async (own) => {
    const entries = Object.entries(shapes);
    const files = {
      'a.safetensors': safetensors(Object.fromEntries(entries.slice(0, 5))),
      'b.safetensors': safetensors(Object.fromEntries(entries.slice(5))),
    };
    await written(own, { 'c.safetensors': safetensors(shapes) });
    const folder = await written(join(own, 'inside'), { ...leaving('model.safetensors', model), ...files });
    const map = Object.fromEntries(
      entries.map(([name], place) => [name, place < 5 ? 'a.safetensors' : 'b.safetensors']),
    );
    const index = JSON.stringify({ metadata: { total_size: 1 }, weight_map: map });
    const chance = new Chance(5n);
    const outcomes = { read: 0, refused: 0 };
    for (let time = 0; time < 600; time += 1) {
      await writeFile(join(folder, 'model.safetensors.index.json'), mutated(index, chance));
      const result = await openCheckpoint(folder, { chosen: null, below: [] });
      if (result instanceof CheckpointProblem) outcomes.refused += 1;
      else outcomes.read += 1;
      if (result instanceof CheckpointProblem || result.kind !== 'checkpoint') continue;
      for (const { file, offset, length } of result.parts.tensors.values()) {
        const seen: SeenFile | undefined = result.files.find(({ name }) => name === file);
        assert.ok(seen !== undefined && offset + length <= seen.bytes);
        assert.equal(seen.path, join(result.folder, file));
      }
    }
    assert.ok(20 < outcomes.read && 20 < outcomes.refused, JSON.stringify(outcomes));
  }));
