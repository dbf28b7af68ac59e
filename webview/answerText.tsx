import type { VNode } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import {
  blockSize,
  countOf,
  levelsOf,
  placeOfKey,
  type AnswerBlocks,
  type AnswerToken,
  type Tint,
} from './answerTokens';
import { form, pointed } from './playgroundState';
import { visibleText, visibleWords } from './visibleText';

/** The tokens of an answer, tinted; mouse and arrow keys read them. */
export function AnswerText({
  blocks,
  column,
  name,
}: {
  readonly blocks: AnswerBlocks;
  readonly column: number;
  readonly name: string;
}): VNode {
  const text = useRef<HTMLDivElement>(null);
  const at = pointed.value?.column === column ? pointed.value.token : -1;
  const press = (event: KeyboardEvent): void => {
    const token = placeOfKey(event.key, at, countOf(blocks));
    if (token === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    pointed.value = { column, token };
    text.current?.querySelector(`[data-token="${token}"]`)?.scrollIntoView({ block: 'nearest' });
    event.preventDefault();
  };
  const point = ({ target }: MouseEvent): void => {
    const token = target instanceof Element ? target.closest('[data-token]')?.getAttribute('data-token') : null;
    if (token !== null && token !== undefined) pointed.value = { column, token: Number(token) };
  };
  return (
    <div
      ref={text}
      class="answer-text"
      tabIndex={0}
      role="group"
      aria-label={`What ${visibleWords(name)} wrote. Arrow keys read its tokens.`}
      onKeyDown={press}
      onMouseOver={point}
    >
      {blocks.map((block, place) => {
        const inBlock = at - place * blockSize;
        const isHere = inBlock >= 0 && inBlock < blockSize;
        return (
          <Block
            key={place}
            block={block}
            first={place * blockSize}
            tint={form.value.tint}
            at={isHere ? inBlock : -1}
          />
        );
      })}
    </div>
  );
}

/** Drawn again only when it has changed: an answer may have thousands of tokens, and grows fifteen times a second. */
function Block({
  block,
  first,
  tint,
  at,
}: {
  readonly block: readonly AnswerToken[];
  readonly first: number;
  readonly tint: Tint;
  /** The token that a person looks at; -1 for none. */
  readonly at: number;
}): VNode {
  return useMemo(() => {
    const levels = levelsOf(block, tint);
    return (
      <span>
        {block.map(({ text, isSpecial }, place) => {
          const level = levels[place] ?? 0;
          const classes = [
            ...(level === 0 ? [] : ['tint', `tint-${level}`]),
            ...(isSpecial ? ['special-token'] : []),
            ...(place === at ? ['at-token'] : []),
          ];
          return (
            <span key={place} data-token={first + place} class={classes.join(' ')}>
              {visibleText(text)}
            </span>
          );
        })}
      </span>
    );
  }, [block, first, tint, at]);
}
