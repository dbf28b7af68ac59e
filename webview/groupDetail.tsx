import type { VNode } from 'preact';
import type { GroupBranch } from '../core/generated/group';
import {
  branches,
  children,
  choice,
  chooseBranch,
  forks,
  goToFork,
  openToken,
  reader,
  reroll,
  samples,
  tokenOf,
} from './groupState';
import { endOf, namesOf, oneLine, verdictsOf } from './groupWords';
import { visibleText } from './visibleText';

/** The chosen fork: after which words, and who went which way. */
export function ForkDetail(): VNode {
  const chosen = choice.value.branch;
  const branch = branches.value[chosen];
  return (
    <section class="fork-detail" aria-label="Chosen branch">
      {branch !== undefined && (branch.fork === 'none' ? <End branch={branch} /> : <Fork branch={branch} />)}
      <div class="fork-links">
        <button
          type="button"
          class="link"
          title="Enter"
          onClick={() => {
            openToken();
          }}
        >
          Open {visibleText(samples.value[reader.value]?.label ?? 'the trace')} at token {tokenOf(chosen) + 1}
        </button>
        <button
          type="button"
          class="link"
          title="R in the tree: a checkpoint goes on from this token"
          onClick={() => {
            reroll();
          }}
        >
          Re-roll from here…
        </button>
        {forks.value.length > 0 && (
          <>
            <Step by={-1} words="Previous fork" keys="P" />
            <Step by={1} words="Next fork" keys="N" />
          </>
        )}
      </div>
      {forks.value.length > 0 && <ForkTable />}
    </section>
  );
}

function Step({ by, words, keys }: { readonly by: 1 | -1; readonly words: string; readonly keys: string }): VNode {
  return (
    <button
      type="button"
      class="link"
      title={`${keys} in the tree`}
      onClick={() => {
        goToFork(by);
      }}
    >
      {words}
    </button>
  );
}

function Fork({ branch }: { readonly branch: GroupBranch }): VNode {
  const { entropy, fork, forkOf, to } = branch;
  const chosen = choice.value.branch;
  const below = children.value[chosen] ?? [];
  return (
    <>
      <h2>
        {fork === 'decides' ? 'Right and wrong part' : 'Ways part, without consequence,'}
        {forkOf === 'rerolls' ? ' (re-rolls)' : ''} at token {to + 1}
      </h2>
      <p class="fork-place secondary">
        {to === 0 ? (
          'at the very beginning'
        ) : (
          <>
            after <span class="mono">{visibleText(endOf(branch, 60))}</span>
          </>
        )}
        {entropy === null ? '' : ` · H ${entropy.toFixed(2)} nats`}
      </p>
      <table class="ways">
        <thead>
          <tr class="secondary">
            <th>next token</th>
            <th class="number">p</th>
            <th>
              <span class="visually-hidden">p as a bar</span>
            </th>
            <th>taken by</th>
          </tr>
        </thead>
        <tbody>
          {below.map((child) => (
            <Way key={child} child={child} />
          ))}
        </tbody>
      </table>
    </>
  );
}

const barWidth = 96;

function Way({ child }: { readonly child: number }): VNode | null {
  const branch = branches.value[child];
  if (branch === undefined) return null;
  const { first, probability, members, right, wrong, rerolls } = branch;
  return (
    <tr>
      <td>
        <button
          type="button"
          class="link mono way-token one-line"
          onClick={() => {
            chooseBranch(child);
          }}
        >
          {first === null ? 'the end' : visibleText(first)}
        </button>
      </td>
      <td class="number">{probability === null ? '–' : probability.toFixed(2)}</td>
      <td>
        {probability !== null && (
          <svg class="way-bar" width={barWidth} height="10" aria-hidden="true">
            <rect x="0" y="1" width={Math.max(1, probability * barWidth)} height="8" />
          </svg>
        )}
      </td>
      <td>
        {visibleText(namesOf(members, samples.value))}{' '}
        {right + wrong + rerolls > 0 && <span class="verdicts">{verdictsOf(branch)}</span>}
      </td>
    </tr>
  );
}

/** The end of a way: what nobody else wrote. */
function End({ branch }: { readonly branch: GroupBranch }): VNode {
  const { from, to, members, head, tail } = branch;
  const alone = members.length === 1;
  return (
    <>
      <h2>
        {visibleText(namesFull(members))} {alone ? 'alone' : 'alike'} from token {Math.min(from + 1, to)} to the end
      </h2>
      <p class="fork-place secondary">
        {to - from === 0 ? 'It ends where the others go on.' : `${to - from} tokens · ${verdictsOf(branch)}`}
      </p>
      <p class="end-text mono" tabIndex={0} role="region" aria-label="What it wrote">
        {visibleText(oneLine(head))}
        {tail !== '' && <span class="secondary"> … </span>}
        {visibleText(oneLine(tail))}
      </p>
    </>
  );
}

function namesFull(members: Int32Array): string {
  return members.length === 1 ? (samples.value[members[0] ?? 0]?.label ?? '') : namesOf(members, samples.value);
}

/** The tree again, for who reads tables rather than drawings. */
function ForkTable(): VNode {
  return (
    <details class="fork-table">
      <summary>All forks as a table</summary>
      <table>
        <thead>
          <tr class="secondary">
            <th class="number">token</th>
            <th>after</th>
            <th class="number">H</th>
            <th>
              <span class="visually-hidden">consequence</span>
            </th>
            <th>ways</th>
          </tr>
        </thead>
        <tbody>
          {forks.value.map(({ node }) => {
            const branch = branches.value[node];
            const ways = (children.value[node] ?? []).flatMap((child) => branches.value[child] ?? []);
            return branch === undefined ? null : (
              <tr key={node}>
                <td class="number">
                  <button
                    type="button"
                    class="link"
                    onClick={() => {
                      chooseBranch(node);
                    }}
                  >
                    {branch.to + 1}
                  </button>
                </td>
                <td class="mono">{visibleText(endOf(branch, 24))}</td>
                <td class="number">{branch.entropy === null ? '–' : branch.entropy.toFixed(2)}</td>
                <td title={branch.fork === 'decides' ? 'right and wrong part' : 'without consequence'}>
                  {branch.fork === 'decides' ? '◇' : '○'}
                </td>
                <td>
                  {ways.map((way, place) => (
                    <span key={place}>
                      {place > 0 ? '; ' : ''}
                      <span class="mono">{way.first === null ? 'the end' : visibleText(way.first)}</span>{' '}
                      {verdictsOf(way)}
                    </span>
                  ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}
