import '@vscode/codicons/dist/codicon.css';
import './panel.css';
import './group.css';
import { render, type VNode } from 'preact';
import { followTheme } from './colours';
import { GroupPage } from './groupPage';
import { connect, page } from './groupState';

followTheme();
render(<App />, document.body);
connect();

function App(): VNode {
  const now = page.value;
  switch (now.kind) {
    case 'waiting':
      return <main class="full-page secondary">Reading the group…</main>;
    case 'trouble':
      return (
        <main class="full-page">
          <p role="status">{now.reason}</p>
        </main>
      );
    case 'group':
      return <GroupPage group={now.group} />;
  }
}
