import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { compile } from 'json-schema-to-typescript';

/**
 * TypeScript types of every definition in a schema.
 * @param {any} schema
 * @param {string} name of the schema's own type
 * @param {{ ignoreMinAndMaxItems?: boolean }} [options] a list of at most eight is a list, not eight tuples
 */
export async function typesOf(schema, name, options = {}) {
  const plain = JSON.parse(JSON.stringify(schema), (_key, value) =>
    isDescribedReference(value) ? wrapped(value) : value,
  );
  return compile(plain, name, { bannerComment: '', additionalProperties: false, format: false, ...options });
}

/** @param {any} value a reference with a sentence of its own, of which the compiler would make a second type */
function isDescribedReference(value) {
  return typeof value === 'object' && value !== null && '$ref' in value && Object.keys(value).length > 1;
}

/** @param {any} value */
function wrapped({ $ref, description }) {
  return { allOf: [{ $ref }], description };
}

/**
 * The validators of everything in a run directory: plain functions without a run-time dependency.
 * They report wrong types and missing keys, and let unknown keys pass, so that a newer minor version stays readable.
 * @param {any} wireSchema
 * @returns {Promise<{ code: string, types: string }>} an ES module and its declarations
 */
export async function wireValidators(wireSchema) {
  const ajv = new Ajv({
    code: { source: true, esm: true, optimize: 2 },
    strict: true,
    strictTypes: false,
    inlineRefs: false,
  });
  ajv.addSchema(lenient(wireSchema), 'wire');
  const events = eventKinds(wireSchema);
  const documents = documentNames(wireSchema).filter((name) => name !== 'RunEvent');
  const exports = Object.fromEntries([
    ...documents.map((name) => [validatorName(name), `wire#/$defs/${name}`]),
    ...[...events.values()].map((name) => [validatorName(name), `wire#/$defs/${name}`]),
  ]);
  const code = withoutParameters(standaloneCode(ajv, exports));
  const table = [...events].map(([kind, name]) => `  ${kind}: ${validatorName(name)},`);
  const bundled = await build({
    stdin: { contents: `${code}\nexport const eventValidators = {\n${table.join('\n')}\n};`, resolveDir: '.' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    lineLimit: 120,
  });
  return { code: bundled.outputFiles[0]?.text ?? '', types: validatorTypes(documents) };
}

/**
 * What a reader needs to know beside the types: the format version, and which keys and kinds it knows.
 * @param {any} wireSchema
 */
export function wireFacts(wireSchema) {
  const keys = Object.entries(wireSchema.$defs)
    .filter(([, definition]) => definition.properties !== undefined)
    .map(([name, definition]) => `${name}: ${JSON.stringify(Object.keys(definition.properties))}`);
  const version = wireSchema.$defs.RunManifest.properties.format.default;
  return [
    '/** Format of a run directory that this code was made for, `major.minor`. */',
    `export const formatVersion = ${JSON.stringify(version)};`,
    '/** Keys of each definition; a reader counts the others it meets. */',
    `export const knownKeys = { ${keys.join(', ')} } as const;`,
  ].join('\n');
}

/**
 * An error of ours says where and what; how ajv found out is a third of its code.
 * @param {string} code
 */
export function withoutParameters(code) {
  const short = code.replaceAll(/,schemaPath:"[^"]*",keyword:"[^"]*",params:\{[^{}]*\}/g, '');
  if (/schemaPath/.test(short)) throw new Error('ajv writes its errors in another form; mend withoutParameters.');
  return short;
}

/** @param {any} wireSchema names of the definitions that are whole documents */
function documentNames(wireSchema) {
  return wireSchema.anyOf.map(referredName);
}

/** @param {any} wireSchema kind of event → name of its definition */
function eventKinds(wireSchema) {
  const names = wireSchema.$defs.RunEvent.oneOf.map(referredName);
  return new Map(names.map((name) => [wireSchema.$defs[name].properties.kind.const, name]));
}

/** @param {{ $ref: string }} reference */
function referredName(reference) {
  return reference.$ref.replace('#/$defs/', '');
}

/** @param {string} name */
function validatorName(name) {
  return `validate${name}`;
}

/** @param {any} schema a copy that lets unknown keys pass, without the words, which no validator needs */
function lenient(schema) {
  const words = ['$schema', 'title', 'description', 'default'];
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    if (words.includes(key) && typeof value !== 'object') return undefined;
    if (key === 'additionalProperties' && value === false) return undefined;
    return isNullable(value) ? { ...value.anyOf[0], type: [value.anyOf[0].type, 'null'] } : value;
  });
}

/** @param {any} value a plain type or null: two branches for people, one check for a machine */
function isNullable(value) {
  const [first, second] = value?.anyOf ?? [];
  return value?.anyOf?.length === 2 && typeof first.type === 'string' && !first.enum && second.type === 'null';
}

/** @param {string[]} documents */
function validatorTypes(documents) {
  return `
    import type { ${documents.join(', ')}, RunEvent } from './wire';

    export interface ValidationError {
      /** Where in the value, as a JSON pointer; empty for the value itself. */
      instancePath: string;
      message: string;
    }

    /** True when the value has every key of this version with the right type; \`errors\` tells about the last call. */
    export interface Validator<T> {
      (value: unknown): value is T;
      errors?: ValidationError[] | null;
    }

    ${documents.map((name) => `export const ${validatorName(name)}: Validator<${name}>;`).join('\n')}

    /** One for each known kind of event; a kind that is not in the table comes from a newer version. */
    export const eventValidators: { readonly [Kind in RunEvent['kind']]: Validator<Extract<RunEvent, { kind: Kind }>> };
  `;
}
