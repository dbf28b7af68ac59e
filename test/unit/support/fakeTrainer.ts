import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A trainer folder whose `srft.cli` only begins a run and then does what the environment variable HOW says: `obey` takes
 * requests, `deaf` takes none and ignores SIGTERM, with a child of its own, `refuse` ends with 2, `crash` with 1.
 */
export async function writeFakeTrainer(folder: string): Promise<string> {
  await mkdir(join(folder, 'srft'), { recursive: true });
  await writeFile(join(folder, 'srft', '__init__.py'), '');
  await writeFile(join(folder, 'srft', 'cli.py'), code);
  return folder;
}

const code = `
import glob, json, os, signal, socket, subprocess, sys, time

how = os.environ['HOW']
print('loading the model', file=sys.stderr, flush=True)
if how == 'refuse':
    print("srft: \`training.stepz\` is no key (recipe.json): did you mean steps?", file=sys.stderr)
    sys.exit(2)
if how == 'crash':
    raise RuntimeError('the model is made of straw')
run = sys.argv[sys.argv.index('--run-dir') + 1]
os.makedirs(run + '/control/done', exist_ok=True)
ticks = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19])
booted = next(int(line.split()[1]) for line in open('/proc/stat') if line.startswith('btime '))
status = {
    'format': '1.0', 'run_id': 'f' * 32, 'host': socket.gethostname(),
    'boot_id': open('/proc/sys/kernel/random/boot_id').read().strip(),
    'pid_namespace': os.readlink('/proc/self/ns/pid'), 'pid': os.getpid(),
    'pid_started': booted + ticks / os.sysconf('SC_CLK_TCK'),
    'attempt': 1, 'state': 'running', 'stage': ' '.join(sys.argv[1:]), 'step': 0, 'steps': 9, 'heartbeat': 0,
    'updated': time.time(), 'metrics': {}, 'end': None,
}

def write(**changes):
    status.update(changes)
    with open(run + '/status.tmp', 'w') as file:
        json.dump(status, file)
    os.replace(run + '/status.tmp', run + '/status.json')

if how == 'deaf':
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    open(run + '/child', 'w').write(str(child.pid))
write()
until = time.time() + 60
while time.time() < until:
    asked = glob.glob(run + '/control/*.json')
    if how == 'obey' and asked:
        request = json.load(open(asked[0]))
        os.rename(asked[0], run + '/control/done/' + os.path.basename(asked[0]))
        write(state='ended', end={'kind': 'stopped', 'message': f"stopped by {request['by']}, {request['arguments']}"})
        break
    time.sleep(0.05)
`;
