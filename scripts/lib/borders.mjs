import { builtinModules } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { roomOf } from './rooms.mjs';

/**
 * What forbids an import, as a sentence, or undefined when it is allowed.
 * @param {string} importer path of the importing file, relative to the root, with forward slashes
 * @param {string} specifier what stands between the quotes
 */
export function brokenBorder(importer, specifier) {
  const room = roomOf(importer);
  if (room === undefined) return `${importer} is in no room; add its folder to scripts/lib/rooms.mjs.`;
  if (specifier.startsWith('.')) {
    const target = slashed(relative('.', resolve(dirname(importer), specifier)));
    const other = roomOf(`${target}/`) ?? roomOf(target);
    if (other === undefined) return `'${target}' is in no room, so ${room.folder} must not import it.`;
    const allowed = other === room || room.rooms.includes(other.folder);
    return allowed ? undefined : `${room.folder} must not import ${other.folder}.`;
  }
  if (isBuiltin(specifier)) {
    return room.node ? undefined : `${room.folder} must not import Node's '${specifier}'.`;
  }
  const packageName = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return room.packages.includes(packageName)
    ? undefined
    : `${room.folder} must not import the package '${packageName}'.`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const bordersRule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const importer = slashed(relative(context.cwd, context.filename));
    /** @param {any} source the node between the quotes; computed ones cannot be judged and are refused */
    const judge = (source) => {
      if (!source) return;
      const message =
        typeof source.value === 'string' ? brokenBorder(importer, source.value) : 'An import needs a literal path.';
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => judge(node.source),
      ExportNamedDeclaration: (node) => judge(node.source),
      ExportAllDeclaration: (node) => judge(node.source),
      ImportExpression: (node) => judge(node.source),
      TSImportType: (node) => judge(node.source),
      TSExternalModuleReference: (node) => judge(node.expression),
    };
  },
};

/** @param {string} specifier */
function isBuiltin(specifier) {
  return specifier.startsWith('node:') || builtinModules.includes(specifier.split('/')[0] ?? '');
}

/** @param {string} path */
function slashed(path) {
  return path.split(sep).join('/');
}
