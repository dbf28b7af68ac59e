import { signal } from '@preact/signals';

/** The page stands with what a person looks at first; what is less urgent is made after that. */
export const isFirstFrameOver = signal(false);

/** Call when the page is made: true once it is painted. */
export function endFirstFrame(): void {
  requestAnimationFrame(() => {
    // A frame's callbacks come before it is painted, a task after.
    setTimeout(() => {
      isFirstFrameOver.value = true;
    });
  });
}

/** Work that is done once in the next frame, however often it is asked for. */
export function onFrame(work: () => void): { request(): void; cancel(): void } {
  let handle: number | undefined;
  return {
    request() {
      handle ??= requestAnimationFrame(() => {
        handle = undefined;
        work();
      });
    },
    cancel() {
      if (handle !== undefined) cancelAnimationFrame(handle);
      handle = undefined;
    },
  };
}
