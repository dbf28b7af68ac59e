import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { busyGpus, findGpus, parseGpus, useInWords, visibleGpus, type Gpu } from '../../../src/environment/gpus';
import { withFakeProgram } from '../support/fakeProgram';
import { inFolder } from '../support/folder';

const table = `0, GPU-aa11, NVIDIA H100 80GB HBM3, 81559, 74210, 570.86.15
1, GPU-bb22, NVIDIA H100 80GB HBM3, 81559, 4, 570.86.15
`;
const holders = `GPU-aa11, 31245, /opt/a, b/bin/python3, 74196
GPU-aa11, 31999, [Not Found], [N/A]
`;

describe('GPUs', () => {
  it('the tables of nvidia-smi become values', () => {
    const found = parseGpus(table, holders);
    assert.equal(found.kind, 'gpus');
    assert.equal(found.driver, '570.86.15');
    assert.deepEqual(
      found.gpus.map(({ index, usedMiB, totalMiB }) => [index, usedMiB, totalMiB]),
      [
        [0, 74210, 81559],
        [1, 4, 81559],
      ],
    );
    assert.deepEqual(found.gpus[0]?.processes, [
      { pid: 31245, name: '/opt/a, b/bin/python3', usedMiB: 74196 },
      { pid: 31999, name: '[Not Found]', usedMiB: null },
    ]);
    assert.deepEqual(busyGpus(found.gpus, 0.5), [found.gpus[0]]);
    assert.deepEqual(busyGpus(found.gpus, 0), []);
  });

  it('a GPU that tells no memory is never called busy', () => {
    const found = parseGpus('0, GPU-cc, NVIDIA GB10, [N/A], [N/A], 580.1\n', '');
    assert.equal(found.kind, 'gpus');
    assert.deepEqual(busyGpus(found.gpus, 0.9), [] as Gpu[]);
  });

  it('who holds one, in words', () => {
    const found = parseGpus(table, holders);
    assert.equal(found.kind, 'gpus');
    assert.deepEqual(found.gpus.map(useInWords), [
      '74210 of 81559 MiB are in use by python3 (process 31245, 74196 MiB), [Not Found] (process 31999)',
      '4 of 81559 MiB are in use',
    ]);
  });

  it('those that the environment lets a trainer see', () => {
    const found = parseGpus(table, '');
    assert.equal(found.kind, 'gpus');
    const seen = (value: string | undefined): number[] =>
      visibleGpus(found.gpus, value === undefined ? {} : { CUDA_VISIBLE_DEVICES: value }).map(({ index }) => index);
    assert.deepEqual([undefined, '', '1', '1,0', 'GPU-bb', '-1', '7'].map(seen), [
      [0, 1],
      [0, 1],
      [1],
      [1, 0],
      [1],
      [],
      [],
    ]);
  });

  it('no driver is none', async () => {
    assert.deepEqual(await findGpus({ ...process.env, PATH: '' }), { kind: 'none' });
  });

  it('the program is asked, and a broken driver is told', { skip: process.platform === 'win32' }, () =>
    inFolder(async (folder) => {
      const answers = `console.log(process.argv[2].startsWith('--query-gpu') ? ${JSON.stringify(table)} : ${JSON.stringify(holders)})`;
      const found = await findGpus(await withFakeProgram(folder, 'nvidia-smi', answers));
      assert.deepEqual(found, parseGpus(table, holders));
      const sentence = 'Failed to initialize NVML: Driver/library version mismatch';
      const broken = await withFakeProgram(
        folder,
        'nvidia-smi',
        `console.log(${JSON.stringify(sentence)}); process.exit(18)`,
      );
      assert.deepEqual(await findGpus(broken), { kind: 'broken', reason: sentence });
    }),
  );
});
