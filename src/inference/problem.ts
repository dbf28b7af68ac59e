/** What is wrong with a checkpoint, as one sentence: what, where (file, key), how to mend it. */
export class CheckpointProblem extends Error {
  override readonly name = 'CheckpointProblem';

  /**
   * @param fault what is wrong, without a full stop
   * @param where the file, and the key in it
   * @param remedy what a person can do
   */
  constructor(
    readonly fault: string,
    readonly where: string,
    readonly remedy: string,
  ) {
    super(`${where}: ${fault}; ${remedy}.`);
  }
}
