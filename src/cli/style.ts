/** What a colour means; the same source has the same colour everywhere. */
export type Role = 'right' | 'wrong' | 'demonstration' | 'rollout' | 'heldOut' | 'quiet' | 'strong';

/** Paints harmless text; or leaves it as it is. */
export type Style = (role: Role, text: string) => string;

/** Colours, unless the person asked for none (https://no-color.org). */
export function styleFor(environment: Readonly<Record<string, string | undefined>>, isTerminal: boolean): Style {
  const colourless = !isTerminal || (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return colourless ? plain : coloured;
}

/** No colours. */
export const plain: Style = (_, text) => text;

const codes: Readonly<Record<Role, string>> = {
  right: '38;5;75',
  wrong: '38;5;215',
  demonstration: '38;5;176',
  rollout: '38;5;79',
  heldOut: '1',
  quiet: '2',
  strong: '1',
};

const coloured: Style = (role, text) => (text === '' ? text : `\u001b[${codes[role]}m${text}\u001b[0m`);
