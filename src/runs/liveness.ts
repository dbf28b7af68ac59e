import type { EndReason, Status } from '../../core/generated/wire';

/** Who runs, as far as this reader can know. */
export type Liveness =
  | { readonly kind: 'ended'; readonly end: EndReason | null }
  | { readonly kind: 'running'; readonly knownBy: 'process' | 'heartbeat' }
  /** The process that wrote the run is no longer there, and no end was written. */
  | { readonly kind: 'gone' }
  /** The trainer runs elsewhere, and its heartbeat has stood still for so long, by this reader's clock. */
  | { readonly kind: 'silent'; readonly seconds: number }
  /** The trainer runs elsewhere and was not watched long enough to tell. */
  | { readonly kind: 'watching' };

/** What a reader knows about its own machine; the same facts stand in `status.json` about the trainer's. */
export interface Machine {
  readonly host: string;
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
}

/** What the system says about a pid. `startedAt`: seconds since 1970, null where it does not tell. */
export type ProcessFact = { readonly kind: 'absent' } | { readonly kind: 'present'; readonly startedAt: number | null };

/** How long a heartbeat has stood still, timed by the reader's own clock. */
export interface HeartbeatWatch {
  readonly key: string;
  readonly unchangedSinceMs: number;
  /** It was seen to move. */
  readonly moved: boolean;
}

const silentAfterMs = 15_000;
/** The system's start times are whole seconds or clock ticks, and the clock itself may be set. */
const startToleranceSeconds = 2;

/** Take a status into the watch. `nowMs` is of a clock that never jumps. */
export function watchHeartbeat(before: HeartbeatWatch | undefined, status: Status, nowMs: number): HeartbeatWatch {
  const key = `${status.run_id}/${status.attempt}/${status.heartbeat}`;
  if (before === undefined) return { key, unchangedSinceMs: nowMs, moved: false };
  return before.key === key ? before : { key, unchangedSinceMs: nowMs, moved: true };
}

/** Could the pid in `status` be looked up on this machine at all? */
export function isSameMachine(status: Status, machine: Machine): boolean {
  // A field that is null cannot disagree: the system of the trainer has no such thing.
  const agrees = (told: string | null, here: string | null): boolean => told === null || told === here;
  return (
    status.host === machine.host &&
    agrees(status.boot_id, machine.bootId) &&
    agrees(status.pid_namespace, machine.pidNamespace)
  );
}

/** The verdict. `fact` is what the system says about `status.pid`, asked only where `isSameMachine`. */
export function liveness(
  status: Status,
  fact: ProcessFact | undefined,
  watch: HeartbeatWatch,
  nowMs: number,
): Liveness {
  if (status.state === 'ended') return { kind: 'ended', end: status.end };
  if (fact === undefined) return byHeartbeat(watch, nowMs);
  if (fact.kind === 'absent') return { kind: 'gone' };
  if (status.pid_started === null) return { kind: 'running', knownBy: 'process' };
  // A process whose start this reader cannot learn may be a later one that got the same number.
  if (fact.startedAt === null) return byHeartbeat(watch, nowMs);
  const same = Math.abs(fact.startedAt - status.pid_started) <= startToleranceSeconds;
  return same ? { kind: 'running', knownBy: 'process' } : { kind: 'gone' };
}

function byHeartbeat(watch: HeartbeatWatch, nowMs: number): Liveness {
  const stillMs = nowMs - watch.unchangedSinceMs;
  if (stillMs >= silentAfterMs) return { kind: 'silent', seconds: stillMs / 1000 };
  return watch.moved ? { kind: 'running', knownBy: 'heartbeat' } : { kind: 'watching' };
}
