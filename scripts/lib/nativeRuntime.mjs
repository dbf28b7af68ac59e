// The native half of onnxruntime-node: which files each platform needs, and how the bundle finds them beside itself.
import { constants, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './paths.mjs';
import { Failure } from './run.mjs';

const binding = 'onnxruntime_binding.node';

/**
 * Files of each platform that has any, by `<platform>-<arch>`; Intel Macs are no longer built for.
 * macOS: the package holds its library twice, and this is the name that the binding asks for.
 * Windows: DirectML and the shader compiler are loaded late, by a provider that is not used.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const nativeFiles = {
  'linux-x64': [binding, 'libonnxruntime.so.1'],
  'linux-arm64': [binding, 'libonnxruntime.so.1'],
  'darwin-arm64': [binding, 'libonnxruntime.1.dylib'],
  'win32-x64': [binding, 'onnxruntime.dll'],
  'win32-arm64': [binding, 'onnxruntime.dll'],
};

/** Where they lie in the package, below the root. */
const packageFolder = 'node_modules/onnxruntime-node/bin/napi-v6';

/**
 * Copies the files of a target into `<folder>/native/<target>`.
 * @param {string} target such as `linux-x64`; one without files gets none
 * @param {string} folder of the bundle that asks for them
 * @param {string} [from] the project's folder
 * @returns {string[]} their paths
 */
export function copyNativeFiles(target, folder, from = root) {
  const [platform = '', arch = ''] = target.split('-');
  return (nativeFiles[target] ?? []).map((name) => {
    const source = join(from, packageFolder, platform, arch, name);
    if (!existsSync(source)) {
      throw new Failure(`onnxruntime-node has no ${platform}/${arch}/${name}; mend nativeFiles in nativeRuntime.mjs.`);
    }
    const copy = join(folder, 'native', target, name);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(source, copy, constants.COPYFILE_FICLONE);
    return copy;
  });
}

/** The one line of the package that loads its native half, and what stands there in a bundle. */
const askedInPackage = 'require(`../bin/napi-v6/${process.platform}/${process.arch}/onnxruntime_binding.node`)';
const askedInBundle = `require(require("node:path").join(__dirname, "native", process.platform + "-" + process.arch, ${JSON.stringify(binding)}))`;

/**
 * Lets a CommonJS bundle of onnxruntime-node load its native half from `native/<platform>-<arch>` beside it.
 * A package that loads it in another way ends the build.
 * @param {string} [pattern] what is replaced
 * @returns {import('esbuild').Plugin}
 */
export function nativeBesideBundle(pattern = askedInPackage) {
  return {
    name: 'native-beside-bundle',
    setup(build) {
      let isRewritten = false;
      build.onStart(() => {
        isRewritten = false;
      });
      build.onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, ({ path }) => {
        const parts = readFileSync(path, 'utf8').split(pattern);
        if (parts.length !== 2) return { errors: [{ text: `${path} no longer loads its native half by ${pattern}` }] };
        isRewritten = true;
        return { contents: parts.join(askedInBundle), loader: 'js' };
      });
      build.onEnd(({ errors }) => {
        if (isRewritten || errors.length > 0) return {};
        return { errors: [{ text: 'onnxruntime-node/dist/binding.js is not in the bundle: its layout has changed' }] };
      });
    },
  };
}
