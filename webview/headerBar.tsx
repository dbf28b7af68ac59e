import type { VNode } from 'preact';
import type { RunHeader, RunState } from '../core/generated/panel';
import { formatCount, formatDuration } from '../core/format';
import { Button } from './controls';
import { wish } from './host';
import { Icon, type IconName } from './icon';
import { SavePicture } from './savePicture';
import { visibleText } from './visibleText';

/** Name, state, progress, and what can be done with the run. */
export function HeaderBar({ run }: { readonly run: RunHeader }): VNode {
  const share = run.steps === null || run.steps === 0 ? 0 : Math.min(1, run.step / run.steps);
  return (
    <header class="header-bar">
      <div class="header-words">
        <h1>{visibleText(run.name)}</h1>
        <span class={`state state-${run.state}`}>
          <Icon name={stateIcon(run.state)} spin={run.state === 'running' || run.state === 'starting'} />
          {run.stateText}
        </span>
        <Fact name="step">
          {run.steps === null ? formatCount(run.step) : `${formatCount(run.step)} / ${formatCount(run.steps)}`}
        </Fact>
        {run.elapsedSeconds !== null && (
          <Fact name={hasEnded(run.state) ? 'took' : 'elapsed'}>{formatDuration(run.elapsedSeconds)}</Fact>
        )}
        {run.state === 'paused' && run.stillSeconds !== null ? (
          <Fact name="paused">{formatDuration(run.stillSeconds)}</Fact>
        ) : (
          run.remainingSeconds !== null && <Fact name="left">{formatDuration(run.remainingSeconds)}</Fact>
        )}
        {run.tokensPerSecond !== null && <Fact name="tokens/s">{formatCount(run.tokensPerSecond)}</Fact>}
      </div>
      <div class="header-buttons">
        <RunButtons run={run} />
        <SavePicture name={run.name} />
      </div>
      <div
        class="progress"
        role="progressbar"
        aria-label="Steps done"
        aria-valuemin={0}
        aria-valuemax={run.steps ?? undefined}
        aria-valuenow={run.step}
      >
        <div class="progress-done" style={{ transform: `scaleX(${share})` }} />
      </div>
    </header>
  );
}

/** Has the run come to an end, whatever the way? */
export function hasEnded(state: RunState): boolean {
  return state === 'finished' || state === 'stopped' || state === 'failed' || state === 'gone';
}

function Fact({ name, children }: { readonly name: string; readonly children: string }): VNode {
  return (
    <span class="fact">
      <span class="secondary">{name}</span> {children}
    </span>
  );
}

function RunButtons({ run }: { readonly run: RunHeader }): VNode {
  if (run.canControl) {
    const isPaused = run.state === 'paused';
    return (
      <>
        {isPaused && (
          <Button
            icon="debug-continue"
            label="Continue"
            primary
            onClick={() => {
              wish('continue');
            }}
          />
        )}
        {run.step > 0 && (
          <Button
            icon="save"
            label="Checkpoint"
            onClick={() => {
              wish('checkpoint');
            }}
          />
        )}
        {!isPaused && run.state === 'running' && (
          <Button
            icon="debug-pause"
            label="Pause"
            onClick={() => {
              wish('pause');
            }}
          />
        )}
        <Button
          icon="debug-stop"
          label="Stop"
          disabled={run.state === 'stopping'}
          onClick={() => {
            wish('stop');
          }}
        />
      </>
    );
  }
  if (!hasEnded(run.state))
    return (
      <Button
        icon="output"
        label="Show Log"
        onClick={() => {
          wish('showLog');
        }}
      />
    );
  const isFinished = run.state === 'finished';
  return (
    <>
      {run.canResume && (
        <Button
          icon="debug-restart"
          label="Resume"
          primary={!isFinished}
          onClick={() => {
            wish('resume');
          }}
        />
      )}
      <Button
        icon="output"
        label="Show Log"
        onClick={() => {
          wish('showLog');
        }}
      />
      <Button
        icon="git-compare"
        label="Compare"
        onClick={() => {
          wish('compare');
        }}
      />
      <Button
        icon="export"
        label="Export Report"
        primary={isFinished}
        onClick={() => {
          wish('exportReport');
        }}
      />
    </>
  );
}

function stateIcon(state: RunState): IconName {
  switch (state) {
    case 'starting':
    case 'running':
      return 'sync';
    case 'paused':
      return 'debug-pause';
    case 'stopping':
    case 'stopped':
      return 'debug-stop';
    case 'finished':
      return 'pass';
    case 'failed':
    case 'gone':
      return 'error';
    case 'silent':
      return 'debug-disconnect';
    case 'watching':
      return 'eye';
  }
}
