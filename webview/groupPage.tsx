import type { VNode } from 'preact';
import type { GroupMessage } from '../core/generated/group';
import { formatCount } from '../core/format';
import { ForkDetail } from './groupDetail';
import { EntropyRows } from './groupEntropy';
import { choice, forgetRerolls, forks, showOnly, stopRerolls } from './groupState';
import { GroupTree } from './groupTree';
import { rerollWords } from './groupWords';
import { Icon } from './icon';
import { visibleText, visibleWords } from './visibleText';

/** All that was written to one prompt in one step. */
export function GroupPage({ group }: { readonly group: GroupMessage }): VNode {
  const { text, characters, notes, branches } = group;
  return (
    <main class="group">
      <GroupHead group={group} />
      {text !== '' && (
        <div class="group-prompt">
          <span class="secondary">Prompt</span>
          <div class="group-prompt-text" tabIndex={0} role="region" aria-label="Prompt">
            {visibleText(text)}
            {text.length < characters && (
              <span class="secondary">
                {' '}
                … {formatCount(text.length)} of {formatCount(characters)} characters
              </span>
            )}
          </div>
        </div>
      )}
      {notes.map((note) => (
        <div class="oddities" role="status" key={note}>
          <Icon name="info" /> <span>{visibleText(note)}</span>
        </div>
      ))}
      <GroupTree />
      {branches.length > 0 && (
        <div class="group-foot">
          <ForkDetail />
          <EntropyRows />
        </div>
      )}
    </main>
  );
}

function GroupHead({ group }: { readonly group: GroupMessage }): VNode {
  const { run, step, prompt, samples, reward, meanEntropy } = group;
  const own = samples.filter(({ given, origin }) => !given && origin === 'training');
  const given = samples.filter((sample) => sample.given).length;
  const right = own.filter(({ correct }) => correct === true).length;
  const demonstrations = given === 0 ? '' : given === 1 ? ', and the demonstration' : `, and ${given} demonstrations`;
  return (
    <header class="part-head group-head">
      <h1 class="one-line" title={visibleWords(`${prompt} of ${run}`)}>
        {visibleText(prompt)}, step {step}
      </h1>
      <Fact name="right">
        {right} of {own.length} {own.length === 1 ? 'rollout' : 'rollouts'}
        {demonstrations}
      </Fact>
      {reward !== null && <Fact name="mean reward">{reward.toFixed(2)}</Fact>}
      {meanEntropy !== null && <Fact name="mean entropy">{meanEntropy.toFixed(2)} nats</Fact>}
      <Rerolls samples={samples} />
      <span class="spacer" />
      <ForkPlace />
      <div class="filters" role="group" aria-label="Forks">
        {(group.branches.length > 1 ? [false, true] : []).map((only) => (
          <button
            type="button"
            key={String(only)}
            class={choice.value.only === only ? 'filter chosen' : 'filter'}
            aria-pressed={choice.value.only === only}
            title="O in the tree"
            onClick={() => {
              showOnly(only);
            }}
          >
            {only ? 'Only where right and wrong part' : 'All forks'}
          </button>
        ))}
      </div>
    </header>
  );
}

/** What is not from training, told apart from what is. */
function Rerolls({ samples }: Pick<GroupMessage, 'samples'>): VNode | null {
  const words = rerollWords(samples);
  if (words === null) return null;
  const isAtWork = samples.some(({ isWaiting }) => isWaiting);
  return (
    <span class="reroll-facts">
      <Fact name="↻ re-rolls">{words}</Fact>
      {isAtWork && (
        <button type="button" class="link" title="Keeps what is written so far" onClick={stopRerolls}>
          Stop
        </button>
      )}
      <button type="button" class="link" onClick={forgetRerolls}>
        Forget Re-rolls
      </button>
    </span>
  );
}

/** Which of the forks is chosen; said whenever it is another. */
function ForkPlace(): VNode {
  const { branch } = choice.value;
  const place = forks.value.findIndex(({ node }) => node === branch);
  return (
    <span class="secondary" role="status">
      {place === -1 ? '' : `fork ${place + 1} of ${forks.value.length}`}
    </span>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: VNode['props']['children'] }): VNode {
  return (
    <span class="fact">
      <span class="secondary">{name}</span> {children}
    </span>
  );
}
