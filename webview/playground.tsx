import '@vscode/codicons/dist/codicon.css';
import './panel.css';
import './playground.css';
import { render, type VNode } from 'preact';
import { followTheme } from './colours';
import { PlaygroundPage } from './playgroundPage';
import { connect, setup } from './playgroundState';
import { WaitingPage } from './quietPage';

followTheme();
render(<App />, document.body);
connect();

function App(): VNode {
  const now = setup.value;
  return now === null ? <WaitingPage words="Looking for checkpoints…" /> : <PlaygroundPage setup={now} />;
}
