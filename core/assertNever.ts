/** The last branch of a finished switch: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`a case is missing for ${JSON.stringify(value)}`);
}
