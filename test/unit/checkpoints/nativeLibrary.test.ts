import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildModelProcess } from '../../../scripts/lib/extensionBundle.mjs';
import { copyNativeFiles, nativeBesideBundle, nativeFiles } from '../../../scripts/lib/nativeRuntime.mjs';
import { ModelHost } from '../../../src/checkpoints/modelHost';
import { missingNativeFiles, nativeProblem, nativeTargets, thisMachine } from '../../../src/checkpoints/nativeLibrary';
import { CheckpointProblem } from '../../../src/inference/problem';
import { inFolder } from '../support/folder';
import { fakeSource } from './fakeModel';

const from = process.cwd();
const target = `${process.platform}-${process.arch}`;
const silent = (): void => undefined;

/** Why the real process, in a folder of its own, cannot load a checkpoint that does not exist. */
async function refusalIn(folder: string): Promise<CheckpointProblem> {
  const entry = join(folder, 'modelProcess.cjs');
  const host = new ModelHost({ entry, idleMs: () => 1000, onNotice: silent, onLog: silent });
  try {
    const model = host.open(fakeSource('x', {}, join(folder, 'checkpoint')));
    const reason: unknown = await model.load().then(
      () => assert.fail('it was loaded'),
      (error: unknown) => error,
    );
    assert.ok(reason instanceof CheckpointProblem, String(reason));
    return reason;
  } finally {
    host.dispose();
  }
}

describe('the native library beside the bundle', () => {
  it('is found in whatever folder both lie, and what is missing of it is named', () =>
    inFolder(async (folder) => {
      await buildModelProcess(folder, { minify: true, from });
      const absent = missingNativeFiles(folder);
      assert.ok(absent !== undefined);
      assert.equal((await refusalIn(folder)).message, absent.message);

      const [, library = ''] = copyNativeFiles(target, folder, from);
      assert.equal(missingNativeFiles(folder), undefined);
      // The library is loaded; what is refused is the checkpoint.
      assert.notEqual((await refusalIn(folder)).where, 'onnxruntime');

      await truncate(library, 0);
      assert.equal((await refusalIn(folder)).where, 'onnxruntime');
      await rm(library);
      const torn = await refusalIn(folder);
      assert.equal(torn.where, 'onnxruntime');
      if (process.platform === 'linux') assert.equal(torn.fault, 'its file libonnxruntime.so.1 is missing');
    }));

  it('ends the build when the package loads it in another way', () =>
    inFolder(async (folder) => {
      const native = nativeBesideBundle('require("elsewhere")');
      await assert.rejects(
        buildModelProcess(folder, { minify: true, from, native }),
        /no longer loads its native half by require\("elsewhere"\)/,
      );
      assert.ok(!existsSync(join(folder, 'modelProcess.cjs')));
    }));

  it('has all of its files for every machine that is named, and none for others', () =>
    inFolder((folder) => {
      assert.deepEqual(Object.keys(nativeFiles), [...nativeTargets]);
      for (const name of nativeTargets) {
        for (const file of copyNativeFiles(name, folder, from)) assert.ok(readFileSync(file).length > 100_000, file);
      }
      assert.deepEqual(copyNativeFiles('darwin-x64', folder, from), []);
      assert.deepEqual(copyNativeFiles('universal', folder, from), []);
      return Promise.resolve();
    }));
});

describe('what the loader says', () => {
  function check(machine: string, text: string, expected: RegExp, code = 'ERR_DLOPEN_FAILED'): void {
    const [platform = '', arch = ''] = machine.split('-');
    const problem = nativeProblem(Object.assign(new Error(text), { code }), { platform, arch });
    assert.match(problem?.message ?? '', expected, text);
    assert.match(problem?.message ?? '', /^onnxruntime: .+; .+\.$/);
    assert.ok((problem?.message.length ?? 0) < 400);
  }

  it('is told with its remedy, on Linux', () => {
    const binding = '/home/u/ext/dist/native/linux-x64/onnxruntime_binding.node';
    const library = '/home/u/ext/dist/native/linux-x64/libonnxruntime.so.1';
    const cases: [string, RegExp][] = [
      [
        `/lib64/libc.so.6: version \`GLIBC_2.28' not found (required by ${library})`,
        /C library is too old: glibc 2\.28 .*; use a newer Linux/,
      ],
      [`/lib64/libm.so.6: version \`GLIBC_2.27' not found (required by ${library})`, /glibc 2\.27/],
      [
        `/opt/conda/lib/libstdc++.so.6: version \`GLIBCXX_3.4.22' not found (required by ${library})`,
        /libstdc\+\+ is too old: it has no GLIBCXX_3\.4\.22; update the package libstdc\+\+6/,
      ],
      [
        `/usr/lib64/libstdc++.so.6: version \`CXXABI_1.3.11' not found (required by ${binding})`,
        /it has no CXXABI_1\.3\.11/,
      ],
      [
        'libstdc++.so.6: cannot open shared object file: No such file or directory',
        /libstdc\+\+ is not installed; install the package/,
      ],
      ['libgcc_s.so.1: cannot open shared object file: No such file or directory', /is not installed/],
      [
        `Error loading shared library libstdc++.so.6: No such file or directory (needed by ${binding})`,
        /libstdc\+\+ is not installed/,
      ],
      [
        `Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by ${library})`,
        /has musl instead of glibc.*; open the run on a Linux with glibc/,
      ],
      [`Error relocating ${library}: __vsnprintf_chk: symbol not found`, /musl/],
      [
        'libonnxruntime.so.1: cannot open shared object file: No such file or directory',
        /its file libonnxruntime\.so\.1 is missing; install the extension again/,
      ],
      [`${library}: file too short`, /damaged/],
      [`${binding}: invalid ELF header`, /damaged/],
      [`${binding}: wrong ELF class: ELFCLASS32`, /another processor/],
      [`${library}: failed to map segment from shared object`, /may not be run from the disk.*; .*noexec/],
      ['something never heard of\nwith a second line', /cannot be loaded \(something never heard of\); install/],
    ];
    for (const [text, expected] of cases) check('linux-x64', text, expected);
  });

  it('is told with its remedy, on macOS and Windows', () => {
    const binding = '/Users/u/ext/dist/native/darwin-arm64/onnxruntime_binding.node';
    const dlopen = `dlopen(${binding}, 0x0001): `;
    check(
      'darwin-arm64',
      `${dlopen}Library not loaded: @rpath/libonnxruntime.1.dylib\n  Referenced from: <8A1B> ${binding}`,
      /its file libonnxruntime\.1\.dylib is missing/,
    );
    check(
      'darwin-arm64',
      `${dlopen}tried: '${binding}' (mach-o file, but is an incompatible architecture (have 'arm64', need 'x86_64'))`,
      /another processor; .*Apple silicon/,
    );
    check(
      'darwin-arm64',
      `${dlopen}tried: '${binding}' (code signature in <8A1B> not valid for use in process: library load disallowed by system policy)`,
      /macOS refuses .*; allow it under Privacy & Security/,
    );
    check(
      'darwin-arm64',
      `${dlopen}Symbol not found: (__ZNSt3__1)\n  Referenced from: '${binding}' (built for macOS 13.4 which is newer than running OS)`,
      /too old: the native library needs 13\.4; update macOS/,
    );
    const windows = '\\\\?\\C:\\Users\\u\\ext\\dist\\native\\win32-x64\\onnxruntime_binding.node';
    for (const text of ['The specified module could not be found.', 'Das angegebene Modul wurde nicht gefunden.']) {
      check('win32-x64', `${text}\r\n${windows}`, /missing or too old; install the Microsoft Visual C\+\+/);
    }
    check('win32-x64', `${windows} is not a valid Win32 application.\r\n${windows}`, /another processor/);
  });

  it('is silent about other errors', () => {
    assert.equal(nativeProblem(new Error('GLIBC_2.28')), undefined);
    assert.equal(nativeProblem('a text'), undefined);
    const absent = Object.assign(new Error("Cannot find module './x'"), { code: 'MODULE_NOT_FOUND' });
    assert.equal(nativeProblem(absent, thisMachine), undefined);
  });

  it('says which file of the extension has it, or that there is none', () => {
    const text = "Cannot find module '/x/dist/native/a/onnxruntime_binding.node'";
    check(
      'linux-arm64',
      text,
      /without the native library for linux-arm64.*install srft-studio-linux-arm64-/,
      'MODULE_NOT_FOUND',
    );
    check('darwin-x64', text, /not published for darwin-x64.*open the run on one of linux-x64/, 'MODULE_NOT_FOUND');
    check('freebsd-x64', text, /not published for freebsd-x64/, 'MODULE_NOT_FOUND');
  });
});
