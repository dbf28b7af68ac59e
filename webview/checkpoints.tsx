import '@vscode/codicons/dist/codicon.css';
import './panel.css';
import './checkpoints.css';
import { render, type VNode } from 'preact';
import { CheckpointsPage } from './checkpointsPage';
import { connect, setup, trouble } from './checkpointsState';
import { TroublePage, WaitingPage } from './quietPage';

render(<App />, document.body);
connect();

function App(): VNode {
  if (trouble.value !== null) return <TroublePage reason={trouble.value} />;
  if (setup.value === null) return <WaitingPage words="Looking for checkpoints…" />;
  return <CheckpointsPage setup={setup.value} />;
}
