import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { Failure } from './run.mjs';

/** Packages without a file of their licence, and where it stands instead. @type {Record<string, string>} */
const elsewhere = {
  '@bufbuild/protobuf':
    'Copyright 2021-2026 Buf Technologies, Inc. Apache-2.0: https://www.apache.org/licenses/LICENSE-2.0. Parts: Copyright 2008 Google Inc., BSD-3-Clause: https://opensource.org/license/bsd-3-clause.',
  'onnxruntime-node':
    'Copyright (c) Microsoft Corporation. MIT: https://opensource.org/license/mit. What its native library is made of: ThirdPartyNotices.txt in the release of its source, https://github.com/microsoft/onnxruntime.',
};

const microsoft = 'Copyright (c) Microsoft Corporation. MIT: https://opensource.org/license/mit.';

/**
 * An esbuild plug-in that remembers which npm packages are in a bundle.
 * @param {Set<string>} packages
 * @returns {import('esbuild').Plugin}
 */
export function notePackages(packages) {
  return {
    name: 'note packages',
    setup(build) {
      build.onEnd(({ metafile }) => {
        for (const path of Object.keys(metafile?.inputs ?? {})) {
          const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1];
          if (name !== undefined) packages.add(name);
        }
      });
    },
  };
}

/** What the licences of other people's code ask for: whose it is, and on what terms. @param {Iterable<string>} packages */
export function noticesOf(packages) {
  const parts = [...packages].sort().map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return `${name} ${version} (${license})\n\n${termsOf(name, folder)}`;
  });
  return `SRFT Studio contains code of these packages, each on its own terms.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** @param {string} name @param {string} folder */
function termsOf(name, folder) {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)) : [];
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const ofMaker = /^(@microsoft\/|onnxruntime-)/.test(name) ? microsoft : undefined;
  const terms = texts.length > 0 ? texts.join('\n\n') : (elsewhere[name] ?? ofMaker);
  if (terms === undefined)
    throw new Failure(`${name} has no file of its licence; say in scripts/lib/notices.mjs where it stands.`);
  return terms;
}
