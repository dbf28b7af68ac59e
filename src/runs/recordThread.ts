// A thread that reads an event log to its end and hands over what it folded (recordReader.ts).
import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import type { NumberColumn } from '../../core/columns';
import { EventLog, type EventLogState } from './eventLog';
import type { RecordNews, RecordOrder } from './recordReader';

/** What is drawn meanwhile is a copy, and to draw it takes time from reading: a gigabyte is shown as it comes. */
const copyEveryMs = 2000;

async function readToTheEnd({ path, state }: RecordOrder): Promise<void> {
  const log = new EventLog(path, state);
  for (let isOver = false; !isOver;) {
    const { count, restarted, more } = await log.read(performance.now() + copyEveryMs);
    isOver = !more;
    log.workOut();
    const news: RecordNews = { state: log.state, count, restarted, isOver };
    parentPort?.postMessage(news, isOver ? buffersOf(news.state) : []);
  }
  await log.close();
}

function buffersOf({ model: { steps }, derived }: EventLogState): Transferable[] {
  const columns: NumberColumn[] = [steps.step, steps.time, steps.tokens, ...(derived?.columns.values() ?? [])];
  for (const { curve } of steps.metrics.values()) {
    columns.push(curve.values, ...curve.levels.flatMap(({ low, high }) => [low, high]));
  }
  return columns.map(({ values }) => values.buffer as ArrayBuffer);
}

void readToTheEnd(workerData as RecordOrder);
