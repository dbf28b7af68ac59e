import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importBundled } from './bundle.mjs';
import { writeLongRun } from './longRuns.mjs';

/** @type {readonly import('../../core/generated/wire').Column[]} */
const columns = [
  { name: 'text', dtype: 'u8', unit: null, per: 'byte' },
  { name: 'id', dtype: 'u32', unit: null, per: 'token' },
  { name: 'byte_length', dtype: 'u16', unit: 'byte', per: 'token' },
  { name: 'logprob', dtype: 'f32', unit: 'nat', per: 'token' },
  { name: 'entropy', dtype: 'f32', unit: 'nat', per: 'token' },
];

/**
 * A run of one step with one group, for benchmarks: its sequences part at places spread over their length.
 * @param {string} folder made
 * @param {{ sequences: number, tokens: number, lineTokens?: number, created?: number }} size lineTokens: how many make a line
 */
export async function writeGroupRun(folder, { sequences, tokens, lineTokens = Infinity, created = 1_700_000_000 }) {
  /** @type {typeof import('../../src/cli/recordWriter')} */
  const { encodeHeader, encodeSequence } = await importBundled('bench', 'src/cli/recordWriter.ts');
  writeLongRun(folder, { steps: 1, rollouts: sequences, seed: 90 + (created % 1000), created });
  const segment = join(folder, 'rollouts', '000001.seg');
  const header = encodeHeader(columns);
  writeFileSync(segment, header);
  let offset = header.length;
  const put = (kind, ids) => {
    const tokenBytes = ids.map((id, place) =>
      new TextEncoder().encode(`${(place + 1) % lineTokens === 0 ? '\n' : ' '}w${id}`),
    );
    const values = {
      id: ids,
      logprob: ids.map((id) => -(id % 97) / 40),
      entropy: ids.map((id) => (id % 53) / 30),
    };
    const bytes = encodeSequence(columns, { kind, tokenBytes, values });
    appendFileSync(segment, bytes);
    const address = { segment: 1, offset, length: bytes.length };
    offset += bytes.length;
    return address;
  };
  const prompt = put(1, [1, 2, 3, 4]);
  const index = join(folder, 'rollouts', 'index.jsonl');
  const lines = readFileSync(index, 'utf8').trimEnd().split('\n');
  const written = lines.map((line, number) => {
    const address = put(2, idsOf(number, sequences, tokens));
    const place = { id: `a1-s1-g0-${number}`, group: 0, index: number, prompt_id: 'problem-0' };
    return `${JSON.stringify({ ...JSON.parse(line), ...place, tokens, address, prompt })}\n`;
  });
  writeFileSync(index, written.join(''));
  const events = join(folder, 'events.jsonl');
  const indexBytes = Buffer.byteLength(written.join(''));
  writeFileSync(events, readFileSync(events, 'utf8').replaceAll(/"index_bytes":\d+/g, `"index_bytes":${indexBytes}`));
}

/** Every sequence leaves an earlier one somewhere, as answers of a model do. @returns {number[]} */
function idsOf(number, sequences, tokens) {
  const leaves = number === 0 ? 0 : Math.floor((tokens * ((number * 37) % sequences)) / sequences);
  const path = number === 0 ? 0 : number >> 1;
  return Array.from({ length: tokens }, (_, token) =>
    token < leaves
      ? (path * 31 * (token > tokens / 8 ? 1 : 0) + token * 17) % 50_000
      : (number * 7919 + token * 13) % 50_000,
  );
}
