import { formatVersion } from './generated/wireFacts';

/** The major version of the run directory that this reader understands; every minor of it is accepted. */
export const readableMajor = Number(formatVersion.split('.')[0]);

/** What a `format` field says to this reader. */
export type FormatCheck =
  | { readonly kind: 'readable'; readonly major: number; readonly minor: number }
  | { readonly kind: 'refused'; readonly message: string };

/** `where` names the file for the message. */
export function checkFormat(format: unknown, where: string): FormatCheck {
  const match = typeof format === 'string' ? /^(\d{1,6})\.(\d{1,6})$/.exec(format) : null;
  if (match === null) {
    return {
      kind: 'refused',
      message: `${where} names no format version like "${readableMajor}.0"; is it a run directory of SRFT?`,
    };
  }
  const major = Number(match[1]);
  const minor = Number(match[2]);
  if (major !== readableMajor) {
    const remedy = major > readableMajor ? 'update SRFT Studio to read it' : 'read it with the release that wrote it';
    return {
      kind: 'refused',
      message: `${where} has format ${major}.${minor}, this reader knows ${readableMajor}.x: ${remedy}`,
    };
  }
  return { kind: 'readable', major, minor };
}
