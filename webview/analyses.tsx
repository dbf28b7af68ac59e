import '@vscode/codicons/dist/codicon.css';
import './panel.css';
import './analyses.css';
import { render, type VNode } from 'preact';
import { AnalysesPage } from './analysesPage';
import { connect, page } from './analysesState';
import { followTheme } from './colours';

followTheme();
render(<App />, document.body);
connect();

function App(): VNode {
  const now = page.value;
  switch (now.kind) {
    case 'waiting':
      return <main class="full-page secondary">Reading the run…</main>;
    case 'trouble':
      return (
        <main class="full-page">
          <p role="status">{now.reason}</p>
        </main>
      );
    case 'run':
      return <AnalysesPage message={now.message} />;
  }
}
