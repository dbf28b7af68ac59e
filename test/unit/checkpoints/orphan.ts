// Stands between a test and a checkpoint's process: starts one, says which, and waits to be killed.
import { ModelHost } from '../../../src/checkpoints/modelHost';
import { fakeSource, type Behaviour } from './fakeModel';

const [entry = '', folder = '', behaviour = '{}'] = process.argv.slice(2);
const silent = (): void => undefined;
const host = new ModelHost({ entry, idleMs: () => 600_000, onNotice: silent, onLog: silent });
const model = host.open(fakeSource('orphan', JSON.parse(behaviour) as Behaviour, folder));
const ids = Int32Array.from({ length: 20 }, (_, at) => at);
const onProgress = (): void => {
  process.stdout.write('at work\n');
};
void model.load().then(async () => {
  await model.score({ ids, from: 1, temperature: 1, top: 0 }, { onProgress });
  process.stdout.write('at rest\n');
});
