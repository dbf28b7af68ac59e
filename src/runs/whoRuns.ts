import type { Status } from '../../core/generated/wire';
import { isSameMachine, liveness, type HeartbeatWatch, type Liveness } from './liveness';
import { processFact, thisMachine } from './processFacts';

/** Does the trainer of this status still run? A pid is looked up only where it means something. */
export async function whoRuns(status: Status, watch: HeartbeatWatch, nowMs: number): Promise<Liveness> {
  const isHere = isSameMachine(status, await thisMachine());
  return liveness(status, isHere ? await processFact(status.pid) : undefined, watch, nowMs);
}
