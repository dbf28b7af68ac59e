import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CheckpointProblem } from '../../../src/inference/problem';
import { fitsModel, missingTokenizer, readTokenizer } from '../../../src/inference/tokenizer';
import { filesOf, kindOf } from './referenceTokenizers';

type Json = Record<string, unknown>;

const byteLevel = filesOf('llama3');
const sentencePiece = filesOf('mistral');

function read(file: string, config: string | undefined = byteLevel.config, modelType = 'llama'): void {
  readTokenizer({ tokenizer: file, config, specialTokensMap: undefined, modelType });
}

/** The tokenizer with some of its keys changed. */
function changed(change: Json, from = byteLevel.tokenizer): string {
  return JSON.stringify({ ...(JSON.parse(from) as Json), ...change });
}

function model(change: Json): Json {
  const { model: before } = JSON.parse(byteLevel.tokenizer) as { model: Json };
  return { model: { ...before, ...change } };
}

/** [what, the file, what its sentence names] */
const refused: [string, string, RegExp][] = [
  ['no JSON', '{"model":', /^tokenizer\.json: it is not a JSON object; /],
  ['a list', '[]', /^tokenizer\.json: it is not a JSON object; /],
  ['no model', '{}', /tokenizer\.json \(model\): it has no model/],
  ['Unigram', changed(model({ type: 'Unigram', vocab: [['a', 0]] })), /\(model\.type\): the model "Unigram"/],
  ['WordPiece', changed(model({ type: 'WordPiece' })), /the model "WordPiece"/],
  ['dropout', changed(model({ dropout: 0.1 })), /\(model\.dropout\)/],
  ['suffixes of words', changed(model({ end_of_word_suffix: '</w>' })), /\(model\.end_of_word_suffix\)/],
  ['a negative id', changed(model({ vocab: { a: -1 }, merges: [] })), /the id of token "a"/],
  ['a huge id', changed(model({ vocab: { a: 1e12 }, merges: [] })), /the id of token "a"/],
  ['an id twice', changed(model({ vocab: { a: 1, b: 1 }, merges: [] })), /two tokens have the id 1/],
  ['a merge of nothing', changed(model({ merges: [['a', 'qq']] })), /merge 1 has a token that is not/],
  ['a merge of one', changed(model({ merges: ['a'] })), /merge 1 is no pair/],
  ['no merges', changed(model({ merges: null })), /its merges are no list/],
  ['an unknown token that is none', changed(model({ unk_token: 'qq' })), /\(model\.unk_token\)/],
  ['a normaliser', changed({ normalizer: { type: 'Precompiled' } }), /the normaliser "Precompiled"/],
  ['one within', changed({ normalizer: { type: 'Sequence', normalizers: [{ type: 'Lowercase' }] } }), /"Lowercase"/],
  ['a pre-tokeniser', changed({ pre_tokenizer: { type: 'BertPreTokenizer' } }), /"BertPreTokenizer"/],
  ['a split that removes', changed({ pre_tokenizer: split({ behavior: 'Removed' }) }), /the behaviour "Removed"/],
  ['an anchor', changed({ pre_tokenizer: split({ pattern: { Regex: '^a' } }) }), /its pattern has parts/],
  ['a back reference', changed({ pre_tokenizer: split({ pattern: { Regex: '(a)\\1' } }) }), /its pattern has parts/],
  ['possession', changed({ pre_tokenizer: split({ pattern: { Regex: 'a++b' } }) }), /its pattern has parts/],
  ['an open class', changed({ pre_tokenizer: split({ pattern: { Regex: '[a' } }) }), /its pattern is not supported/],
  ['a long pattern', changed({ pre_tokenizer: split({ pattern: { Regex: 'a'.repeat(5000) } }) }), /5000 characters/],
  ['a space before', changed({ pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }), /adds a space/],
  ['a post-processor', changed({ post_processor: { type: 'BertProcessing' } }), /"BertProcessing"/],
  ['a template without the text', changed({ post_processor: template([]) }), /no place for the text/],
  ['an added token without id', changed({ added_tokens: [{ content: 'a' }] }), /the added token "a" has no id/],
  ['added tokens that are none', changed({ added_tokens: [1] }), /\(added_tokens\)/],
];

function split(change: Json): Json {
  return { type: 'Split', pattern: { String: 'a' }, behavior: 'Isolated', invert: false, ...change };
}

function template(single: unknown[]): Json {
  return { type: 'TemplateProcessing', single, special_tokens: {} };
}

for (const [what, file, sentence] of refused)
  test(`refused by name: ${what}`, () => {
    assert.throws(
      () => {
        read(file);
      },
      (error) => {
        assert.ok(error instanceof CheckpointProblem, String(error));
        assert.match(error.message, sentence);
        return true;
      },
    );
  });

test('a class that transformers builds in its own way is refused by name, and Llama’s is not', () => {
  const config = JSON.stringify({ tokenizer_class: 'GemmaTokenizerFast' });
  assert.throws(() => {
    read(byteLevel.tokenizer, config);
  }, /tokenizer_config\.json \(tokenizer_class\): the tokenizer class "GemmaTokenizer" is not supported/);
  read(sentencePiece.tokenizer, JSON.stringify({ tokenizer_class: 'LlamaTokenizerFast' }));
  // Python does not ask a Mistral model's class.
  read(sentencePiece.tokenizer, config, 'mistral');
});

test('special tokens of an older checkpoint come from special_tokens_map.json', () => {
  const texts = { tokenizer: byteLevel.tokenizer, config: undefined, modelType: 'llama' };
  const map = JSON.stringify({ eos_token: { content: '<|eot_id|>' }, pad_token: '<pad>' });
  const { names, size } = readTokenizer({ ...texts, specialTokensMap: map });
  assert.deepEqual(names, { eos_token: '<|eot_id|>', pad_token: '<pad>' });
  assert.equal(size, readTokenizer({ ...texts, specialTokensMap: undefined }).size + 1);
});

test('a folder without tokenizer.json says what to do', () => {
  assert.match(missingTokenizer(['tokenizer.model']).message, /tokenizer\.model alone is not read; load and save/);
  assert.match(missingTokenizer(['vocab.json', 'merges.txt']).message, /vocab\.json alone/);
  assert.match(missingTokenizer([]).message, /^tokenizer\.json: it is missing; copy it/);
});

test('a tokenizer with more tokens than the model is refused with both numbers', () => {
  const { tokenizer } = kindOf('demo');
  assert.equal(fitsModel(tokenizer, tokenizer.size), undefined);
  assert.match(
    fitsModel(tokenizer, tokenizer.size - 1)?.message ?? '',
    /has 352 tokens, the model only 351 embeddings/,
  );
});

test('files with any value in any place are read or refused, nothing else', () => {
  const keys = ['model', 'added_tokens', 'normalizer', 'pre_tokenizer', 'decoder', 'post_processor'];
  const inner = [
    'type',
    'vocab',
    'merges',
    'unk_token',
    'pattern',
    'pretokenizers',
    'normalizers',
    'single',
    'content',
  ];
  const types = ['BPE', 'Split', 'Sequence', 'Metaspace', 'ByteLevel', 'Replace', 'Prepend', 'TemplateProcessing'];
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...types));
  const part = fc.oneof(value, fc.dictionary(fc.constantFrom(...inner), value, { maxKeys: 5 }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), part), fc.boolean(), (change, deep) => {
      const file = deep ? changed(model(isJson(change['model']) ? change['model'] : {})) : changed(change);
      try {
        read(file);
      } catch (error) {
        assert.ok(error instanceof CheckpointProblem, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
