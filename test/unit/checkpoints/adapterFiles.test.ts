import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { openCheckpoint } from '../../../src/checkpoints/checkpointFiles';
import { leaving } from '../inference/references';
import { inOwnFolder, nowhere, opened, refused } from './opening';
import { adapter, config, model, safetensors, shapes, written } from './writtenCheckpoint';

inOwnFolder('an adapter finds its base where it says, where the caller looks, or asks for it', async (folder) => {
  const base = await written(join(folder, 'models', 'small'), model);
  const absolute = await written(join(folder, 'absolute'), adapter(base));
  const named = await written(join(folder, 'named'), adapter(join('models', 'small')));
  for (const [which, bases] of [
    [absolute, nowhere],
    [named, { chosen: null, below: [join(folder, 'absolute'), folder] }],
    [named, { chosen: base, below: [] }],
  ] as const) {
    const checkpoint = await opened(which, bases);
    assert.equal(checkpoint.folder, base);
    assert.equal(checkpoint.adapterFolder, which);
    assert.equal(checkpoint.parts.adapter?.layers.get('model.layers.0.self_attn.q_proj')?.scale, 2);
    assert.equal(
      checkpoint.bytes,
      safetensors(shapes).length + (adapter('')['adapter_model.safetensors']?.length ?? 0),
    );
  }
  for (const name of ['models/small', '', '//host/share', '\\\\host\\share', 'a\u0000b', 'Org/Model']) {
    const asked = await written(join(folder, 'asked'), adapter(name));
    assert.deepEqual(await openCheckpoint(asked, nowhere), { kind: 'base needed', base: name });
  }
  const atHome = await written(join(folder, 'home'), adapter(`~/${relative(homedir(), base)}`));
  assert.equal((await opened(atHome)).folder, base);
});

inOwnFolder('refused: an adapter of another base, of an adapter, or pickled', async (folder) => {
  const wider = { ...config, num_attention_heads: 4, head_dim: 4 };
  const widerShapes = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      name.includes('q_proj') ? [16, 8] : name.includes('o_proj') ? [8, 16] : shape,
    ]),
  );
  const base = await written(join(folder, 'wide'), {
    ...model,
    'config.json': JSON.stringify(wider),
    'model.safetensors': safetensors(widerShapes),
  });
  const adapted = await written(join(folder, 'adapter'), adapter(base));
  assert.match(
    await refused(adapted),
    /lora_B": has the shape \[8, 2\], but by the base and the rank it is \[16, 2\]; choose the base that the adapter was trained on/,
  );
  assert.match(await refused(adapted, { chosen: adapted, below: [] }), /the base is an adapter itself/);
  assert.match(
    await refused(adapted, { chosen: join(folder, 'none'), below: [] }),
    /none: is no folder any more; choose the base once more/,
  );
  const small_ = await written(join(folder, 'small'), model);
  const rest_ = leaving('adapter_model.safetensors', adapter(small_));
  const pickled = await written(join(folder, 'pickled'), { ...rest_, 'adapter_model.bin': 'x' });
  assert.match(await refused(pickled), /adapter_model\.bin: is pickled/);
});
