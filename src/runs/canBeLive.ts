import { assertNever } from '../../core/assertNever';
import { watchHeartbeat } from './liveness';
import { readStatus } from './readStatus';
import { whoRuns } from './whoRuns';

/**
 * May a trainer be at work on this run? A first look cannot tell a silent trainer on another machine from a live one,
 * so that one counts as live. A folder without a readable status has no trainer.
 */
export async function canBeLive(runDirectory: string): Promise<boolean> {
  const status = await readStatus(runDirectory);
  if (status.kind === 'broken') return false;
  const nowMs = performance.now();
  const verdict = await whoRuns(status.value, watchHeartbeat(undefined, status.value, nowMs), nowMs);
  switch (verdict.kind) {
    case 'ended':
    case 'gone':
      return false;
    case 'running':
    case 'silent':
    case 'watching':
      return true;
    default:
      return assertNever(verdict);
  }
}
