import type { LogOutputChannel } from 'vscode';

/** The extension's output channel, with levels. */
export type Log = LogOutputChannel;
