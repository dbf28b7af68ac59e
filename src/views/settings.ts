import { workspace, type WorkspaceConfiguration } from 'vscode';
import { defaultThresholds, type AlertThresholds } from '../../core/alerts';

/** Which notifications a person wants. */
export type Notifications = 'all' | 'failures' | 'none';

/** The extension's settings, read anew each time, since they may change at any time. */
export const settings = {
  /** The interpreter a person named; empty when none. */
  python: (): string => root().get('environment.python', ''),
  /** Where environments are made; empty for the extension's own storage. */
  environmentFolder: (): string => root().get('environment.folder', ''),
  /** A folder of wheels; empty for the package index. */
  wheels: (): string => root().get('environment.wheels', ''),
  /** Whether torch is chosen by the driver; the lock's own otherwise, and from a folder of wheels what is in it. */
  choosesTorch: (): boolean => root().get<string>('environment.torch', 'auto') !== 'lock' && settings.wheels() === '',
  /** Where runs are looked for and made; absolute, or relative to each workspace folder. */
  runFolders: (): readonly string[] => root().get('runs.folders', ['runs']),
  /** 0 to 0.99. */
  smoothing: (): number => root().get('run.smoothing', 0.6),
  codeLens: (): boolean => root().get('codeLens', true),
  notifications: (): Notifications => root().get('notifications', 'all'),
  /** Threads that a loaded checkpoint computes with. */
  checkpointThreads: (): number => root().get('checkpoints.threads', 2),
  /** What computes, tried one after the other. */
  checkpointProviders: (): readonly string[] => root().get('checkpoints.providers', ['cpu']),
  /** A checkpoint that nobody asks is freed after so long. */
  checkpointIdleMinutes: (): number => root().get('checkpoints.idleMinutes', 5),
  /** Whether the probes of a live run are scored under each new checkpoint. */
  scoresProbes: (): boolean => root().get('checkpoints.scoreProbes', true),
  /** What scores may take on the disk. */
  scoreCacheBytes: (): number => root().get('checkpoints.cacheMegabytes', 500) * 1e6,
  thresholds,
};

function thresholds(): AlertThresholds {
  const configuration = root();
  const chosen: Record<string, number> = {};
  for (const [name, fallback] of Object.entries<number>({ ...defaultThresholds })) {
    chosen[name] = configuration.get(`alerts.${name}`, fallback);
  }
  return { ...defaultThresholds, ...chosen };
}

function root(): WorkspaceConfiguration {
  return workspace.getConfiguration('srft');
}
