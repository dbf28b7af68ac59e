import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is true, and fails with its name when it does not become so. */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  { withinMs = 10_000 } = {},
): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > end) assert.fail(`${what} did not come within ${withinMs / 1000} s`);
    await sleep(50);
  }
}
