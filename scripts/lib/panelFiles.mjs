import { Ajv } from 'ajv';
import { _, nil } from 'ajv/dist/compile/codegen/index.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { withoutParameters } from './wireFiles.mjs';

/**
 * Validators of both sides of a webview, from the schema of its messages: plain functions without a run-time dependency.
 * Unlike those of the run directory they refuse unknown keys, since both sides are of the same release.
 * @param {any} schema
 * @param {string} module that the types of the messages are in
 * @returns {Promise<{ code: string, types: string }>} an ES module and its declarations
 */
export async function panelValidators(schema, module) {
  const ajv = new Ajv({
    code: { source: true, esm: true, optimize: 2 },
    strict: true,
    strictTypes: false,
    allowUnionTypes: true,
    discriminator: true,
    inlineRefs: false,
  });
  ajv.addKeyword('tsType');
  ajv.addKeyword({
    keyword: 'typedArray',
    schemaType: 'string',
    error: { message: ({ schema: name }) => _`${`must be a ${name}`}` },
    code(context) {
      context.fail(_`!(${context.data} instanceof ${constructorOf(context.schema)})`);
    },
  });
  // A union by discriminator says nothing of what is no object.
  const sidesAreObjects = Object.fromEntries(
    Object.entries(schema.$defs).map(([name, definition]) => [
      name,
      definition.discriminator === undefined ? definition : { type: 'object', ...definition },
    ]),
  );
  ajv.addSchema({ ...schema, $schema: undefined, $defs: sidesAreObjects }, 'panel');
  const names = schema.anyOf.map(({ $ref }) => $ref.replace('#/$defs/', ''));
  const sides = Object.fromEntries(names.map((name) => [`validate${name}`, `panel#/$defs/${name}`]));
  const { outputFiles } = await build({
    stdin: { contents: withoutParameters(standaloneCode(ajv, sides)), resolveDir: '.' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    lineLimit: 120,
  });
  return { code: outputFiles[0]?.text ?? '', types: declarations(names, module) };
}

/** @param {string[]} names @param {string} module */
function declarations(names, module) {
  return `
    import type { ${names.join(', ')} } from './${module}';
    import type { Validator } from './validators.mjs';

    ${names.map((name) => `export const validate${name}: Validator<${name}>;`).join('\n')}
  `;
}

/** @param {string} name */
function constructorOf(name) {
  const constructors = {
    Float64Array: _`Float64Array`,
    Float32Array: _`Float32Array`,
    Int32Array: _`Int32Array`,
    Uint8Array: _`Uint8Array`,
  };
  return constructors[name] ?? nil;
}
