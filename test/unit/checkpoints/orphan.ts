// Stands between a test and a checkpoint's process: starts one, says which, and waits to be killed.
import { ModelHost } from '../../../src/checkpoints/modelHost';
import { fakeSource, type Behaviour } from './fakeModel';

const [entry = '', folder = '', behaviour = '{}'] = process.argv.slice(2);
const silent = (): void => undefined;
const host = new ModelHost({ entry, idleMs: () => 600_000, onNotice: silent, onLog: silent });
const model = host.open(fakeSource('orphan', JSON.parse(behaviour) as Behaviour, folder));
const ids = Int32Array.from({ length: 20 }, (_, at) => at);
void model.load().then(() => {
  process.stdout.write('loaded\n');
  return model.score({ ids, from: 1, temperature: 1, top: 0 });
});
