import '@vscode/codicons/dist/codicon.css';
import 'uplot/dist/uPlot.min.css';
import './panel.css';
import { render, type VNode } from 'preact';
import { RestrictedLine } from './alertStrip';
import { followTheme } from './colours';
import { ComparePage } from './comparePage';
import { registerControls } from './controls';
import { isFirstAnswered, keepCurves } from './keepCurves';
import { EmptyPage, RefusedPage } from './emptyPage';
import { connect, page } from './page';
import { keepTables } from './panelTable';
import { WaitingPage } from './quietPage';
import { keepRollouts } from './rolloutState';
import { RunPage } from './runPage';

registerControls();
followTheme();
render(<App />, document.body);
keepCurves();
keepRollouts();
keepTables();
connect();

function App(): VNode {
  const now = page.value;
  switch (now.kind) {
    case 'waiting':
      return <Waiting />;
    case 'empty':
      return <EmptyPage message={now.message} />;
    case 'refused':
      return <RefusedPage reason={now.reason} />;
    case 'runs': {
      const { runs, canStart } = now.message;
      const [run] = runs;
      // The charts are made once, with their curves; nothing is quicker than to wait for them.
      if (!isFirstAnswered.value) return <Waiting />;
      if (run === undefined) return <main class="full-page secondary">No run is shown.</main>;
      return (
        <>
          {!canStart && <RestrictedLine />}
          {runs.length > 1 ? <ComparePage runs={runs} /> : <RunPage run={run} />}
        </>
      );
    }
  }
}

function Waiting(): VNode {
  return <WaitingPage words="Reading the run…" />;
}
