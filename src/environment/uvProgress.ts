import { gigabytes } from './space';

/** How far making an environment has come. */
export interface EnvironmentProgress {
  readonly stage: 'waiting' | 'making' | 'planning' | 'fetching' | 'installing';
  /** For people, with sizes where they are known. */
  readonly detail: string;
  /** 0 to 100, where it can be told. */
  readonly percent?: number;
}

/** What uv would have to do, from the words of `uv pip sync --dry-run`. */
export interface UvPlan {
  /** Packages to download; those in its cache are not. */
  readonly downloads: number;
  readonly installs: number;
}

/** What the packages weigh: fetched into an empty cache, then on disk. */
interface Size {
  readonly download: number;
  readonly disk: number;
}

/** Measured on 2026-11-21, as in scripts/lib/setup.mjs. */
const sizes: Readonly<Record<string, Size>> = {
  'linux-x64': { download: 3.2e9, disk: 6.0e9 },
  'linux-arm64': { download: 3.5e9, disk: 6.1e9 },
  'darwin-arm64': { download: 0.3e9, disk: 1.0e9 },
  'win32-x64': { download: 0.3e9, disk: 1.0e9 },
};

/** Read a dry run. */
export function planOf(stderr: string): UvPlan {
  const downloads = Number(/Would download (\d+) package/.exec(stderr)?.[1] ?? 0);
  return { downloads, installs: Number(/Would install (\d+) package/.exec(stderr)?.[1] ?? downloads) };
}

/** How large the download is, in words. */
export function planInWords({ downloads, installs }: UvPlan, machine: string): string {
  if (downloads === 0) return installs === 0 ? 'nothing to install' : `${installs} packages, all of them in uv's cache`;
  const size = sizes[machine];
  if (size === undefined) return `${downloads} packages to download`;
  return downloads >= installs
    ? `${gigabytes(size.download)} to download, ${gigabytes(size.disk)} on disk`
    : `${downloads} of ${installs} packages to download (all would be ${gigabytes(size.download)}, ${gigabytes(size.disk)} on disk)`;
}

/** Turns the lines uv writes while it installs into progress. */
export function uvListener(
  plan: UvPlan,
  machine: string,
  onProgress: (progress: EnvironmentProgress) => void,
): (line: string) => void {
  const underWay = new Map<string, number>();
  let announced = 0;
  let fetched = 0;
  const tell = (): void => {
    // Small packages are not announced, and large ones only when their turn comes: the table knows the sum better.
    const isAll = plan.downloads >= plan.installs;
    const total = Math.max(announced, isAll ? (sizes[machine]?.download ?? 0) : 0);
    const names = [...underWay.keys()];
    const of =
      names.length === 0
        ? ''
        : ` · ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
    const percent = total === 0 ? {} : { percent: Math.min(99, Math.floor((100 * fetched) / total)) };
    onProgress({ stage: 'fetching', detail: `${gigabytes(fetched)} of ${gigabytes(total)} fetched${of}`, ...percent });
  };
  return (line) => {
    const started = /^\s*Downloading (\S+) \(([\d.]+)\s*([KMGT]?i?B)\)/.exec(line);
    if (started !== null) {
      const bytes = bytesOf(Number(started[2]), started[3] ?? 'B');
      underWay.set(started[1] ?? '', bytes);
      announced += bytes;
      tell();
      return;
    }
    const finished = /^\s*Downloaded (\S+)/.exec(line)?.[1];
    if (finished !== undefined) {
      fetched += underWay.get(finished) ?? 0;
      underWay.delete(finished);
      tell();
      return;
    }
    if (/^\s*(Building|Built|Prepared|Installed|Uninstalled) /.test(line)) {
      onProgress({ stage: 'installing', detail: line.trim() });
    }
  };
}

function bytesOf(number: number, unit: string): number {
  const power = ['B', 'K', 'M', 'G', 'T'].indexOf(unit.charAt(0));
  return number * (unit.includes('i') ? 1024 : 1000) ** Math.max(0, power);
}
