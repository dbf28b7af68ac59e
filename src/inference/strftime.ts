const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const form = /^(\d{4})-(\d{2})-(\d{2})$/;

/**
 * A day as Python's `strftime` writes it in English, at midnight. `date` is `YYYY-MM-DD`.
 * Throws an Error for a directive that is not known, and for what is no day.
 */
export function strftime(date: string, format: unknown): string {
  const [, year, month, day] = (form.exec(date) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) throw new Error(`${date} is no day`);
  const first = Date.UTC(year, 0, 1);
  const at = Date.UTC(year, month - 1, day);
  const weekDay = days[new Date(at).getUTCDay()] ?? '';
  const monthName = months[month - 1] ?? '';
  const texts: Readonly<Record<string, string>> = {
    Y: String(year).padStart(4, '0'),
    y: padded(year % 100, 2),
    m: padded(month, 2),
    d: padded(day, 2),
    e: String(day).padStart(2, ' '),
    j: padded((at - first) / 86_400_000 + 1, 3),
    B: monthName,
    b: monthName.slice(0, 3),
    h: monthName.slice(0, 3),
    A: weekDay,
    a: weekDay.slice(0, 3),
    H: '00',
    I: '12',
    M: '00',
    S: '00',
    p: 'AM',
    F: date,
    '-d': String(day),
    '-m': String(month),
    '%': '%',
  };
  return String(format).replace(/%(-?.)/gs, (whole, name: string) => {
    const text = texts[name];
    if (text === undefined) throw new Error(`strftime does not know ${JSON.stringify(whole)}`);
    return text;
  });
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
