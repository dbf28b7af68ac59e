import { runProgram } from './program';

/** A Python interpreter and what it says of itself. */
export interface Python {
  /** Absolute path of the interpreter, as it names itself. */
  readonly program: string;
  /** `3.12.4`. */
  readonly version: string;
  /** `3.12`. */
  readonly minor: string;
  /** `sys.platform` and `platform.machine()`. */
  readonly platform: string;
  readonly machine: string;
  readonly is64Bit: boolean;
}

/** What stands at a candidate. */
export type PythonFound =
  | { readonly kind: 'python'; readonly python: Python }
  /** It is Python, but none the trainer runs on. */
  | { readonly kind: 'unsuitable'; readonly python: Python; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string };

/** A program and its first arguments, such as `py -3.12`. */
export type PythonCommand = readonly [program: string, ...args: string[]];

/** Minor versions the trainer's packages are locked for, the newest that everything has wheels for first. */
export const pythonVersions = ['3.12', '3.13', '3.11', '3.10'] as const;

/** Where to look, in this order. A path that a person gave is the only candidate: a wish is not replaced silently. */
export function pythonCandidates(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): readonly PythonCommand[] {
  const named = given ?? env['SRFT_PYTHON'];
  if (named !== undefined && named !== '') return [[named]];
  const launchers: PythonCommand[] =
    platform === 'win32'
      ? [...pythonVersions.map((version): PythonCommand => ['py', `-${version}`]), ['py', '-3']]
      : [];
  return [
    ['python3'],
    ['python'],
    ...launchers,
    ...pythonVersions.map((version): PythonCommand => [`python${version}`]),
  ];
}

/** The first suitable interpreter, or what was found instead, in one sentence. */
export async function findPython(
  candidates: readonly PythonCommand[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
): Promise<PythonFound> {
  let unsuitable: PythonFound | undefined;
  const seen = new Set<string>();
  for (const candidate of candidates) {
    const found = await askPython(candidate, options);
    if (found.kind === 'python') return found;
    if (found.kind === 'unsuitable') {
      unsuitable ??= found;
      seen.add(found.python.version);
    }
  }
  const remedy =
    'install Python 3.12 of 64 bits from python.org or your system, or name one in the setting srft.environment.python';
  if (unsuitable?.kind === 'unsuitable') {
    return {
      ...unsuitable,
      reason: `The trainer needs a 64-bit Python 3.10–3.13, and only ${[...seen].join(', ')} was found; ${remedy}.`,
    };
  }
  const where = candidates.map((command) => command.join(' ')).join(', ');
  return { kind: 'none', reason: `No Python was found (looked for ${where}); ${remedy}.` };
}

/** Ask one candidate. */
export async function askPython(
  [program, ...args]: PythonCommand,
  options: { readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
): Promise<PythonFound> {
  const end = await runProgram(program, [...args, '-c', tell], { ...options, timeoutMs: askTimeoutMs });
  if (end.kind === 'missing') return { kind: 'none', reason: `${program} cannot be started: ${end.reason}` };
  if (end.kind === 'cut') return { kind: 'none', reason: `${program} gave no answer` };
  const facts = end.stdout.trim().split(/\r?\n/);
  const [executable, version, platform, machine, is64Bit] = facts;
  if (end.code !== 0 || executable === undefined || version === undefined || is64Bit === undefined) {
    return {
      kind: 'none',
      reason: `${program} is no Python that works: ${lastLine(end.stderr) ?? `exit code ${end.code ?? 'none'}`}`,
    };
  }
  const python: Python = {
    program: executable,
    version,
    minor: version.split('.').slice(0, 2).join('.'),
    platform: platform ?? '',
    machine: machine ?? '',
    is64Bit: is64Bit === 'True',
  };
  const isSuitable = python.is64Bit && (pythonVersions as readonly string[]).includes(python.minor);
  if (isSuitable) return { kind: 'python', python };
  const bits = python.is64Bit ? '' : ' of 32 bits';
  return {
    kind: 'unsuitable',
    python,
    reason: `${executable} is Python ${version}${bits}; the trainer needs a 64-bit Python 3.10–3.13`,
  };
}

const askTimeoutMs = 15_000;

/** The folder a program stands in must not bring modules of its own, so it leaves the path first. */
export const withoutOwnFolder = "import sys; sys.path = [place for place in sys.path if place not in ('', '.')]";

const tell = `${withoutOwnFolder}
import platform
print(sys.executable, '%d.%d.%d' % sys.version_info[:3], sys.platform, platform.machine(), sys.maxsize > 2**32, sep='\\n')`;

function lastLine(text: string): string | undefined {
  return text.trimEnd().split(/\r?\n/).at(-1) || undefined;
}
