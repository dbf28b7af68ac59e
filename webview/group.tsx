import '@vscode/codicons/dist/codicon.css';
import './panel.css';
import './group.css';
import { render, type VNode } from 'preact';
import { followTheme } from './colours';
import { GroupPage } from './groupPage';
import { connect, page } from './groupState';
import { TroublePage, WaitingPage } from './quietPage';

followTheme();
render(<App />, document.body);
connect();

function App(): VNode {
  const now = page.value;
  switch (now.kind) {
    case 'waiting':
      return <WaitingPage words="Reading the group…" />;
    case 'trouble':
      return <TroublePage reason={now.reason} />;
    case 'group':
      return <GroupPage group={now.group} />;
  }
}
