import type { Check } from './doctor';

/** Whose name and home are kept out of the document. */
export interface Person {
  readonly home: string;
  readonly user: string;
}

const marks: Readonly<Record<Check['verdict'], string>> = { ok: '✓', warning: '!', fault: '✗', unknown: '?' };

/** The checks as a Markdown document that can be shown to anybody. */
export function doctorDocument(checks: readonly Check[], person: Person): string {
  const count = (verdict: Check['verdict']): number => checks.filter((check) => check.verdict === verdict).length;
  const faults = count('fault');
  const warnings = count('warning');
  const verdict =
    faults > 0
      ? `${faults} ${faults === 1 ? 'thing keeps' : 'things keep'} training from working.`
      : `Nothing keeps training from working${warnings > 0 ? `; ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}` : ''}.`;
  const lines = checks.map(({ name, verdict: mark, detail, remedy }) => {
    const advice = remedy === null ? '' : `\n  *What to do:* ${remedy}`;
    return `- ${marks[mark]} **${name}**: ${detail}${advice}`;
  });
  return anonymous(`# SRFT Doctor\n\n${verdict}\n\n${lines.join('\n')}\n`, person);
}

/** The home becomes `~`, with either slash; the name of the user, where it still stands as a word of its own, `user`. */
export function anonymous(text: string, { home, user }: Person): string {
  const homes = [...new Set([home, home.replaceAll('\\', '/'), home.replaceAll('/', '\\')])].filter(
    (path) => path.length > 1,
  );
  const withoutHome = homes.reduce((known, path) => known.replaceAll(path, '~'), text);
  // A name such as `root` or `user` is nobody's, and `root` stands in many sentences.
  if (user.length < 3 || ['root', 'user', 'admin'].includes(user.toLowerCase())) return withoutHome;
  const escaped = user.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return withoutHome.replace(new RegExp(`(?<![A-Za-z0-9_])${escaped}(?![A-Za-z0-9_])`, 'g'), 'user');
}
