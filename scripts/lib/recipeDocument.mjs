/**
 * docs/recipe.md: every option of the recipe with its type, default, limits and sentence.
 * @param {any} schema the recipe's JSON schema
 */
export function recipeDocument(schema) {
  /** @type {string[]} */
  const sections = [];
  const described = new Set();

  /** @param {string} path where it stands in the recipe @param {any} definition @param {any} [own] what the referring key says */
  function addSection(path, definition, own = {}) {
    const rows = Object.entries(definition.properties).map(([key, property]) => row(key, property, definition, schema));
    sections.push(
      `## ${path === '' ? 'The recipe' : `\`${path}\``}`,
      own.description ?? definition.description ?? '',
      '| key | type | default | limits | |\n|---|---|---|---|---|\n' + rows.join('\n'),
    );
    for (const [key, property] of Object.entries(definition.properties)) addNested(path, key, property);
  }

  /** @param {string} path @param {string} key @param {any} property */
  function addNested(path, key, property) {
    const here = path === '' ? key : `${path}.${key}`;
    for (const { name, listed } of references(property)) {
      const definition = schema.$defs[name];
      const kind = definition.properties.kind?.const;
      const place = `${here}${listed ? '[]' : ''}${kind === undefined ? '' : ` (kind ${kind})`}`;
      const first = !described.has(name);
      described.add(name);
      if (first) addSection(place, definition, kind === undefined ? { description: definition.description } : {});
      else
        sections.push(
          `## \`${place}\``,
          `The keys of \`${name}\`, described above; defaults that differ stand in the table that names it.`,
        );
    }
  }

  addSection('', schema);
  return [
    '# Recipe',
    'A recipe is a JSON file, `*.srft.json`. Every key may be left out unless its default is *required*; an unknown key is an error.',
    'This page is generated from `trainer/srft/config.py` by `npm run generate`.',
    ...sections,
  ]
    .filter((paragraph) => paragraph !== '')
    .join('\n\n')
    .concat('\n');
}

/** @param {string} key @param {any} property @param {any} definition whose key it is @param {any} schema */
function row(key, property, definition, schema) {
  const section = schema.$defs[references(property)[0]?.name ?? ''];
  const required = definition.required?.includes(key) ?? false;
  const fallback = required ? '*required*' : code(JSON.stringify(brief(property.default)));
  const cells = [
    code(key),
    typeText(property),
    fallback,
    limits(property),
    property.description ?? section?.description ?? '',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

/** @param {any} value a section's default is told by its own table, unless it is small */
function brief(value) {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isSection && JSON.stringify(value).length > 60 ? {} : value;
}

/** @param {any} property @returns {string} */
function typeText(property) {
  if (property.const !== undefined) return code(JSON.stringify(property.const));
  if (property.enum !== undefined) return property.enum.map((value) => code(JSON.stringify(value))).join(' or ');
  const members = property.anyOf ?? property.oneOf;
  if (members !== undefined) return members.map(typeText).join(' or ');
  if (property.$ref !== undefined) return code(property.$ref.replace('#/$defs/', ''));
  if (property.type === 'array') {
    const items = property.prefixItems;
    return items ? `[${items.map(typeText).join(', ')}]` : `list of ${typeText(property.items)}`;
  }
  return property.type ?? 'any';
}

/** @param {any} property @returns {string} */
function limits(property) {
  const signs = {
    minimum: '≥',
    exclusiveMinimum: '>',
    maximum: '≤',
    exclusiveMaximum: '<',
    minLength: 'length ≥',
    maxLength: 'length ≤',
    minItems: 'items ≥',
    maxItems: 'items ≤',
    pattern: 'matches',
  };
  const isTuple = property.prefixItems !== undefined;
  const own = Object.entries(signs)
    .filter(([name]) => property[name] !== undefined && !isTuple)
    .map(([name, sign]) => `${sign} ${name === 'pattern' ? code(property[name]) : property[name]}`);
  return [...own, ...(property.anyOf ?? []).map(limits)].filter((text) => text !== '').join(', ');
}

/** @param {any} property @returns {{ name: string, listed: boolean }[]} the sections a property refers to */
function references(property) {
  if (property.$ref !== undefined) return [{ name: property.$ref.replace('#/$defs/', ''), listed: false }];
  const members = [...(property.anyOf ?? []), ...(property.oneOf ?? [])].flatMap(references);
  const items = property.items ? references(property.items).map(({ name }) => ({ name, listed: true })) : [];
  return [...members, ...items];
}

/** @param {string} text */
function code(text) {
  return `\`${text}\``;
}
