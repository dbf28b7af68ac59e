// A thread that reads an event log to its end and hands over what it folded (recordReader.ts).
import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import type { NumberColumn } from '../../core/columns';
import type { RunModel } from '../../core/runModel';
import { EventLog } from './eventLog';
import type { RecordNews, RecordOrder } from './recordReader';

/** What is drawn meanwhile is a copy, and to draw it takes time from reading: a gigabyte is shown as it comes. */
const copyEveryMs = 2000;

async function readToTheEnd({ path, state }: RecordOrder): Promise<void> {
  const log = new EventLog(path, state);
  for (let isOver = false; !isOver;) {
    const { count, restarted, more } = await log.read(performance.now() + copyEveryMs);
    isOver = !more;
    log.cover();
    const news: RecordNews = { state: log.state, count, restarted, isOver };
    parentPort?.postMessage(news, isOver ? buffersOf(log.model) : []);
  }
  await log.close();
}

function buffersOf({ steps }: RunModel): Transferable[] {
  const columns: NumberColumn[] = [steps.step, steps.time, steps.tokens];
  for (const { curve } of steps.metrics.values()) {
    columns.push(curve.values, ...curve.levels.flatMap(({ low, high }) => [low, high]));
  }
  return columns.map(({ values }) => values.buffer as ArrayBuffer);
}

void readToTheEnd(workerData as RecordOrder);
