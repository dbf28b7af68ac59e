import { CheckpointProblem } from '../inference/problem';
import type { ChildEnd } from './modelChild';

/** Why the process of a checkpoint ended by itself, and what may help. `name`: of the checkpoint. */
export function crashProblem({ code, signal, refusal }: Omit<ChildEnd, 'words'>, name: string): CheckpointProblem {
  if (refusal !== null) {
    return new CheckpointProblem(`its process cannot be started (${refusal})`, name, 'reload the window and try again');
  }
  const { why, remedy } = reasonOf(code, signal);
  const how = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
  return new CheckpointProblem(`its process ended unexpectedly (${how})${why}`, name, remedy);
}

interface Reason {
  readonly why: string;
  readonly remedy: string;
}

const outOfMemory: Reason = {
  why: ', as happens when memory runs out',
  remedy: 'close other programs or checkpoints, or take a smaller model or a shorter text',
};
const fileChanged: Reason = {
  why: ', as happens when a file of the checkpoint, or of the extension, is cut short',
  remedy: 'wait until the checkpoint is written and try again; if it goes on, install the extension again',
};
const unknown: Reason = { why: '', remedy: 'try again; if it goes on, report it with the log of the extension' };

function reasonOf(code: number | null, signal: NodeJS.Signals | null): Reason {
  if (signal === 'SIGKILL' || signal === 'SIGABRT' || memoryCodes.includes(code ?? 0)) return outOfMemory;
  if (signal === 'SIGBUS' || code === busCode) return fileChanged;
  if (signal === 'SIGILL' || code === illegalInstruction) {
    return {
      why: ', as happens when the processor lacks instructions that onnxruntime needs',
      remedy: 'ask the checkpoint on a newer machine',
    };
  }
  return unknown;
}

/** As a shell counts SIGKILL and SIGABRT, V8's own end, and Windows' STATUS_NO_MEMORY and STATUS_COMMITMENT_LIMIT. */
const memoryCodes = [137, 134, 0xc0000017, 0xc000012d];
/** Windows' STATUS_IN_PAGE_ERROR. */
const busCode = 0xc0000006;
/** Windows' STATUS_ILLEGAL_INSTRUCTION. */
const illegalInstruction = 0xc000001d;
