import type {
  Intent,
  PreviewRequest,
  RolloutsRequest,
  RowsRequest,
  SeriesRequest,
  ToHost,
  ToPanel,
} from '../core/generated/panel';
import { validateToPanel } from '../core/generated/panelValidators.mjs';
import { broken, read, type Read } from '../core/read';
import { api } from './vsCodeApi';

/** A question with a number; its answer has the same kind. */
export type Question = SeriesRequest | RolloutsRequest | RowsRequest | PreviewRequest;

type Numberless<Q> = Q extends unknown ? Omit<Q, 'request'> : never;
type AnswerTo<Q extends { kind: Question['kind'] }> = Extract<ToPanel, { kind: Q['kind'] }>;

/** What comes without having been asked for. */
export type News = Exclude<ToPanel, { kind: Question['kind'] }>;

/** An open question. Once cancelled it stays without an answer. */
export interface Asked<Answer> {
  readonly answer: Promise<Read<Answer>>;
  cancel(): void;
}

const open = new Map<number, (message: ToPanel) => void>();
let lastNumber = 0;

/** Say something that needs no answer. */
export function post(message: ToHost): void {
  api.postMessage(message);
}

/** A person's wish about a run. */
export function wish(intent: Intent['intent'], run = 0, more: Partial<Pick<Intent, 'step' | 'id'>> = {}): void {
  post({ kind: 'intent', run, intent, step: null, id: null, ...more });
}

/** Ask the host; a failure is an answer too. */
export function ask<Q extends Numberless<Question>>(question: Q): Asked<AnswerTo<Q>> {
  lastNumber += 1;
  const request = lastNumber;
  const answer = new Promise<Read<AnswerTo<Q>>>((resolve) => {
    open.set(request, (message) => {
      resolve(
        isAnswerTo(question, message)
          ? read(message)
          : broken(message.kind === 'failed' ? message.message : `an answer of the kind ${message.kind}`),
      );
    });
  });
  api.postMessage({ ...question, request });
  return {
    answer,
    cancel() {
      if (open.delete(request)) post({ kind: 'cancel', request });
    },
  };
}

/** Hand out what the host says; answers go to who asked, late ones to nobody. */
export function listen(onNews: (message: News) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!validateToPanel(data)) return;
    switch (data.kind) {
      case 'header':
      case 'live':
      case 'empty':
      case 'brush':
      case 'front':
        onNews(data);
        break;
      case 'failed':
        if (data.request === 0) onNews(data);
        else settle(data.request, data);
        break;
      case 'series':
      case 'rollouts':
      case 'rows':
      case 'preview':
        settle(data.request, data);
    }
  });
}

function settle(request: number, message: ToPanel): void {
  const resolve = open.get(request);
  open.delete(request);
  resolve?.(message);
}

function isAnswerTo<Q extends { kind: Question['kind'] }>(question: Q, message: ToPanel): message is AnswerTo<Q> {
  return message.kind === question.kind;
}
