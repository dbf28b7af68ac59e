import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointProblem } from '../inference/problem';

/** For whom native files are made, as Node names it. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
}

/** Machines that onnxruntime is published for, as `<platform>-<arch>`. */
export const nativeTargets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'] as const;

/** This machine. */
export const thisMachine: Machine = { platform: process.platform, arch: process.arch };

/** Why no checkpoint can be loaded at all, found without loading anything; undefined when the files are there. */
export function missingNativeFiles(distFolder: string, machine = thisMachine): CheckpointProblem | undefined {
  const target = `${machine.platform}-${machine.arch}`;
  const isThere = existsSync(join(distFolder, 'native', target, 'onnxruntime_binding.node'));
  return isThere ? undefined : notShipped(machine);
}

/**
 * What a failed load of the native library means and how to mend it, from the text that the system's loader gave;
 * undefined for an error of another kind.
 */
export function nativeProblem(error: unknown, machine = thisMachine): CheckpointProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  const text = error.message;
  if (code === 'MODULE_NOT_FOUND') return text.includes('onnxruntime_binding.node') ? notShipped(machine) : undefined;
  if (code !== 'ERR_DLOPEN_FAILED') return undefined;
  for (const { pattern, fault, remedy } of causes[machine.platform] ?? []) {
    const match = pattern.exec(text);
    if (match !== null) return new CheckpointProblem(fault(match), where, remedy);
  }
  const firstLine = text.split(/\r?\n/, 1)[0]?.slice(0, mostWords) ?? '';
  return new CheckpointProblem(`its native library cannot be loaded (${firstLine})`, where, again);
}

const where = 'onnxruntime';
const mostWords = 200;
const again = 'install the extension again, in the file made for this platform';

function notShipped({ platform, arch }: Machine): CheckpointProblem {
  const target = `${platform}-${arch}`;
  const isPublished = nativeTargets.some((published) => published === target);
  return isPublished
    ? new CheckpointProblem(
        `this copy of the extension came without the native library for ${target}, and so cannot load checkpoints`,
        where,
        `install srft-studio-${target}-<version>.vsix (Extensions: Install from VSIX…); everything else works without it`,
      )
    : new CheckpointProblem(
        `it is not published for ${target}, so checkpoints cannot be loaded here`,
        where,
        `open the run on one of ${nativeTargets.join(', ')}; everything else works without it`,
      );
}

interface Cause {
  /** In the loader's own words. */
  readonly pattern: RegExp;
  readonly fault: (match: RegExpExecArray) => string;
  readonly remedy: string;
}

/** The first that fits is told: the particular before the general. */
const causes: Readonly<Record<string, readonly Cause[]>> = {
  linux: [
    {
      // musl's loader speaks of relocations and of glibc's own files.
      pattern: /Error relocating|Error loading shared library ld-linux|symbol not found/,
      fault: () => 'this Linux has musl instead of glibc, which the native library was built for',
      remedy: 'open the run on a Linux with glibc 2.28 or newer, such as Debian or Ubuntu',
    },
    {
      pattern: /version `GLIBC_([\d.]+)' not found/,
      fault: ([, version = '']) => `the system's C library is too old: glibc ${version} or newer is needed`,
      remedy: 'use a newer Linux (glibc 2.28: RHEL 8, Debian 10, Ubuntu 20.04)',
    },
    {
      pattern: /version `((?:GLIBCXX|CXXABI)_[\d.]+)' not found/,
      fault: ([, version = '']) => `the system's C++ library libstdc++ is too old: it has no ${version}`,
      remedy:
        'update the package libstdc++6 (libstdc++ on Fedora and RHEL), or start VS Code outside an old conda environment',
    },
    {
      pattern: /(?:libstdc\+\+\.so\.6|libgcc_s\.so\.1).*(?:cannot open shared object|No such file)/,
      fault: () => 'the C++ library libstdc++ is not installed',
      remedy: 'install the package libstdc++6 (libstdc++ on Fedora and RHEL)',
    },
    {
      pattern: /failed to map segment from shared object/,
      fault: () => 'the native library may not be run from the disk it lies on',
      remedy: 'move the folder of extensions to a disk that is not mounted with noexec, or free memory',
    },
    {
      pattern: /(libonnxruntime\.so\.1|onnxruntime_binding\.node): cannot open shared object/,
      fault: ([, file = '']) => `its file ${file} is missing`,
      remedy: again,
    },
    {
      pattern: /file too short|invalid ELF header|wrong ELF class|cannot open shared object|ELF load command/,
      fault: () => 'its native library is damaged, or made for another processor',
      remedy: again,
    },
  ],
  darwin: [
    {
      pattern: /built for macOS ([\d.]+) which is newer/,
      fault: ([, version = '']) => `this macOS is too old: the native library needs ${version}`,
      remedy: 'update macOS',
    },
    {
      pattern: /code signature|library load disallowed/,
      fault: () => 'macOS refuses to load the native library',
      remedy: 'allow it under Privacy & Security in System Settings, and reload the window',
    },
    {
      pattern: /incompatible architecture|wrong architecture/,
      fault: () => 'the native library is made for another processor',
      remedy: 'install the file of the extension, and the VS Code, that are made for Apple silicon',
    },
    {
      pattern: /Library not loaded: (?:@rpath\/)?(\S+)/,
      fault: ([, file = '']) => `its file ${file} is missing`,
      remedy: again,
    },
  ],
  win32: [
    {
      pattern: /not a valid Win32 application/,
      fault: () => 'the native library is damaged, or made for another processor',
      remedy: again,
    },
    {
      // The loader's sentence is in the language of the system, so that whatever else it says means this.
      pattern: /(?:)/,
      fault: () => 'a library that it needs is missing or too old',
      remedy:
        'install the Microsoft Visual C++ 2015–2022 Redistributable for this processor (vc_redist), and reload the window',
    },
  ],
};
