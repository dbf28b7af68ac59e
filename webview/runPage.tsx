import type { VNode } from 'preact';
import type { RunHeader } from '../core/generated/panel';
import { AlertStrip, FailureStrip, OddityLine } from './alertStrip';
import { Charts } from './charts';
import { Figures } from './figures';
import { isFirstFrameOver } from './frames';
import { HeaderBar } from './headerBar';
import { LiveBox } from './liveBox';
import { Preview } from './preview';
import { RolloutPane } from './rolloutPane';
import { Stages } from './stages';
import { Summary } from './summary';

/** One run: is it learning, is it collapsing, what did it start to write? */
export function RunPage({ run }: { readonly run: RunHeader }): VNode {
  const isBeforeFirst = run.rows === 0;
  const isSilent = run.state === 'silent';
  return (
    <>
      <HeaderBar run={run} />
      <OddityLine run={run} />
      <FailureStrip run={run} />
      <AlertStrip run={run} />
      {run.state === 'finished' && <Summary runs={[run]} />}
      {isBeforeFirst ? <Stages run={run} /> : <Figures run={run} />}
      <main class={`columns-of-page${isSilent ? ' dimmed' : ''}`}>
        <Charts />
        <div class="right-side">
          {isFirstFrameOver.value && (
            <>
              <LiveBox run={run} />
              {!isBeforeFirst && <RolloutPane />}
              <Preview />
            </>
          )}
        </div>
      </main>
    </>
  );
}
