import '@vscode/codicons/dist/codicon.css';
import './panel.css';
import './analyses.css';
import { render, type VNode } from 'preact';
import { AnalysesPage } from './analysesPage';
import { connect, page } from './analysesState';
import { followTheme } from './colours';
import { TroublePage, WaitingPage } from './quietPage';

followTheme();
render(<App />, document.body);
connect();

function App(): VNode {
  const now = page.value;
  switch (now.kind) {
    case 'waiting':
      return <WaitingPage words="Reading the run…" />;
    case 'trouble':
      return <TroublePage reason={now.reason} />;
    case 'run':
      return <AnalysesPage message={now.message} />;
  }
}
