/** Something that is made when it is first asked for, once; a failure is told and tried again. */
export type Later<T> = () => Promise<T>;

/** A part of the extension whose code is loaded when it is needed. */
export function later<T>(make: () => Promise<T>): Later<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
