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
