import { runProgram } from './program';

/** A process that holds memory of a GPU. */
export interface GpuProcess {
  readonly pid: number;
  readonly name: string;
  /** Null where the driver does not tell. */
  readonly usedMiB: number | null;
}

/** A GPU as `nvidia-smi` sees it. */
export interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly totalMiB: number;
  readonly usedMiB: number;
  readonly processes: readonly GpuProcess[];
}

/** The GPUs of this machine. */
export type Gpus =
  | { readonly kind: 'gpus'; readonly driver: string; readonly gpus: readonly Gpu[] }
  /** No driver of NVIDIA's, which is how most machines are. */
  | { readonly kind: 'none' }
  /** There is a driver, and it does not work. */
  | { readonly kind: 'broken'; readonly reason: string };

/** Ask `nvidia-smi`, which comes with the driver. */
export async function findGpus(env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Gpus> {
  const options = { env, timeoutMs: 20_000, ...(signal === undefined ? {} : { signal }) };
  const ask = (query: string): ReturnType<typeof runProgram> =>
    runProgram('nvidia-smi', [query, '--format=csv,noheader,nounits'], options);
  const gpus = await ask('--query-gpu=index,uuid,name,memory.total,memory.used,driver_version');
  if (gpus.kind === 'missing') return { kind: 'none' };
  if (gpus.kind === 'cut') return { kind: 'broken', reason: 'nvidia-smi gave no answer' };
  if (gpus.code !== 0) return { kind: 'broken', reason: (gpus.stdout + gpus.stderr).trim().slice(0, 500) };
  const holders = await ask('--query-compute-apps=gpu_uuid,pid,process_name,used_memory');
  return parseGpus(gpus.stdout, holders.kind === 'ended' && holders.code === 0 ? holders.stdout : '');
}

/** The two tables as `nvidia-smi` prints them. */
export function parseGpus(gpus: string, holders: string): Gpus {
  const processes = rowsOf(holders).flatMap((row) => {
    const [uuid, pid, ...rest] = row;
    const used = Number(rest.at(-1));
    // A path may hold commas: the name is all between the pid and the last column.
    const name = rest.slice(0, -1).join(', ');
    return uuid === undefined || !Number.isInteger(Number(pid))
      ? []
      : [{ uuid, process: { pid: Number(pid), name, usedMiB: Number.isFinite(used) ? used : null } }];
  });
  const rows = rowsOf(gpus).filter((row) => row.length === 6);
  if (rows.length === 0) return { kind: 'none' };
  return {
    kind: 'gpus',
    driver: rows[0]?.[5] ?? '',
    gpus: rows.map(([index, uuid = '', name, total, used]) => ({
      index: Number(index),
      uuid,
      name: name ?? '',
      // A GPU that shares the machine's memory tells `[N/A]`.
      totalMiB: Number(total) || 0,
      usedMiB: Number(used) || 0,
      processes: processes.filter((holder) => holder.uuid === uuid).map(({ process }) => process),
    })),
  };
}

/** The GPUs of which less than `minFreeShare` (0 to 1) of the memory is free. */
export function busyGpus(gpus: readonly Gpu[], minFreeShare: number): readonly Gpu[] {
  return gpus.filter(({ totalMiB, usedMiB }) => totalMiB > 0 && (totalMiB - usedMiB) / totalMiB < minFreeShare);
}

/** The GPUs that a trainer started in this environment would see, in the order it would take them. */
export function visibleGpus(gpus: readonly Gpu[], env: NodeJS.ProcessEnv): readonly Gpu[] {
  const wanted = env['CUDA_VISIBLE_DEVICES'];
  if (wanted === undefined || wanted === '') return gpus;
  return wanted.split(',').flatMap((name) => {
    const word = name.trim();
    const isOf = ({ index, uuid }: Gpu): boolean => `${index}` === word || (word !== '' && uuid.startsWith(word));
    return gpus.find(isOf) ?? [];
  });
}

/** How much of a GPU's memory is in use, and who holds it. */
export function useInWords({ usedMiB, totalMiB, processes }: Gpu): string {
  const holders = processes.map(
    ({ pid, name, usedMiB: held }) =>
      `${name.split(/[\\/]/).at(-1) ?? name} (process ${pid}${held === null ? '' : `, ${held} MiB`})`,
  );
  return `${usedMiB} of ${totalMiB} MiB are in use${holders.length === 0 ? '' : ` by ${holders.join(', ')}`}`;
}

function rowsOf(table: string): string[][] {
  return table
    .split(/\r?\n/)
    .filter((line) => line.includes(','))
    .map((line) => line.split(',').map((cell) => cell.trim()));
}
