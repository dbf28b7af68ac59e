import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { commands, window, type TextEditor, type Uri } from 'vscode';
import { formatCount } from '../../../core/format';
import { partedText } from '../../../core/spelledText';
import { visibleWords } from '../../../core/visibleWords';
import { CheckpointProblem } from '../../inference/problem';
import { textFolderOf } from '../traces/index';
import { keepText, type ScoredText } from '../traces/scoredTexts';
import { traceScheme, uriOfTextPlace, type TextPlace } from '../traces/traceAddress';
import { pickPlace, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import type { CheckpointParts } from './index';
import { lastPlace, refuseLength, scoreDocument, scoreTrace } from './scoreTrace';
import { encodedStart } from './tokensOfTrace';

/**
 * Asks which checkpoint, and shows what it says of the text in front, as a document of its own. Of a selection, given all
 * the text before it. The text is taken as it is: special tokens that stand in it are found, no template is put around it.
 */
export async function scoreText(parts: CheckpointParts, service: CheckpointService): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor?.document.uri.scheme === traceScheme) {
    await scoreTrace(parts, service);
    return;
  }
  const asked = editor === undefined ? undefined : askedText(editor);
  if (asked === undefined) {
    void window.showInformationMessage('There is no text to score: open a file with some.');
    return;
  }
  const place = await pickPlace(parts.library, undefined, 'Score the text with which checkpoint?', lastPlace(parts));
  if (place === undefined) return;
  const uri = await service.withProgress(`Tokenising with the tokenizer of ${visibleWords(place.name)}`, () =>
    documentOf(parts, service, place, asked),
  );
  if (uri === undefined) return;
  // The window opens it by itself, as it does when a person opens a trace.
  await commands.executeCommand('vscode.open', uri, { preview: true });
  await scoreDocument(parts, service, uri, place);
}

/** More than the tokens that are scored ever have. */
const mostCharacters = 4_000_000;

interface AskedText {
  /** Of the document. */
  readonly name: string;
  readonly context: string;
  /** Context and the part that is looked at. */
  readonly text: string;
}

/** What is selected, or all there is; undefined where that is nothing. */
function askedText({ document, selection }: TextEditor): AskedText | undefined {
  const all = document.getText();
  const [from, to] = selection.isEmpty
    ? [0, all.length]
    : [document.offsetAt(selection.start), document.offsetAt(selection.end)];
  if (to === from) return undefined;
  return { name: basename(document.uri.path), context: all.slice(0, from), text: all.slice(0, to) };
}

/** The document of a text in tokens of a checkpoint, which is kept from now on. */
async function documentOf(
  parts: CheckpointParts,
  service: CheckpointService,
  place: CheckpointPlace,
  { name, context, text }: AskedText,
): Promise<Uri> {
  if (text.length > mostCharacters) {
    const fault = `the text has ${formatCount(text.length)} characters with its context, which are too many to score`;
    throw new CheckpointProblem(fault, name, 'copy a part of it into a file of its own');
  }
  const { text: spelled, before } = await encodedStart(service, place, text);
  refuseLength(spelled.ids, place);
  // A tokenizer may normalise a text: how many bytes the context has is its own to say.
  const { bytes } = await service.ask(place, { kind: 'encode', text: context, special: false });
  const scored: ScoredText = {
    name,
    checkpoint: visibleWords(place.name),
    ...partedText(spelled, before + bytes.length),
  };
  const address: TextPlace = { text: hashOf(scored), checkpoint: (await service.open(place)).hash };
  await keepText(textFolderOf(parts.context), address, scored);
  return uriOfTextPlace(address, { name, checkpoint: place.name });
}

/** Lengths stand before what they measure, so that no two texts are spelt alike. */
function hashOf({ name, prompt, record }: ScoredText): string {
  const parts = [name, prompt].map((part) => `${part.length}:${part}`);
  return createHash('sha256').update(parts.join('')).update(record.text).digest('hex');
}
