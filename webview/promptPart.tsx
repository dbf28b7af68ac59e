import type { VNode } from 'preact';
import type { PlaygroundSetup, Prompt } from '../core/generated/playground';
import { Icon } from './icon';
import { samplingFields } from './playgroundForm';
import { canRun, change, form, isBusy, run, sampling, stop, togglePrompt } from './playgroundState';
import { visibleText } from './visibleText';

const modes: readonly (readonly [Prompt['mode'], string, string])[] = [
  ['chat', 'Chat', 'By the chat template of each checkpoint'],
  ['raw', 'Raw Text', 'Exactly this text, without a template'],
];

/** What is asked, and how the answers are drawn. */
export function PromptPart({ setup }: { readonly setup: PlaygroundSetup }): VNode {
  const { mode } = form.value;
  return (
    <div class="prompt-part">
      <section class="prompt-fields" aria-label="Prompt">
        <div class="filters" role="group" aria-label="Kind of prompt">
          {modes.map(([each, label, title]) => (
            <button
              type="button"
              key={each}
              class={each === mode ? 'filter chosen' : 'filter'}
              aria-pressed={each === mode}
              title={title}
              onClick={() => {
                change({ mode: each });
              }}
            >
              {label}
            </button>
          ))}
        </div>
        {mode === 'chat' ? <ChatFields setup={setup} /> : <RawField />}
        <Deeds />
      </section>
      <SamplingFields setup={setup} />
    </div>
  );
}

function ChatFields({ setup }: { readonly setup: PlaygroundSetup }): VNode {
  const { system, turns, user } = form.value;
  return (
    <>
      <TextArea
        label="System"
        hint="none"
        value={system ?? setup.system}
        rows={1}
        onInput={(words) => {
          change({ system: words });
        }}
      />
      {turns.map(({ role, content }, place) => (
        <div class="turn" key={place}>
          <span class="secondary">{role}</span>
          <span class="turn-text">{visibleText(content)}</span>
          <button
            type="button"
            class="icon-button"
            title="Remove this turn and those after it"
            aria-label={`Remove turn ${place + 1} and those after it`}
            onClick={() => {
              change({ turns: turns.slice(0, place), asked: null });
            }}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <TextArea
        id="prompt-text"
        label="User"
        hint={turns.length === 0 ? 'What is to be answered' : 'The next thing to say'}
        value={user}
        rows={3}
        onInput={(words) => {
          change({ user: words });
        }}
      />
    </>
  );
}

function RawField(): VNode {
  return (
    <TextArea
      id="prompt-text"
      label="Text"
      hint="What is to be continued"
      value={form.value.text}
      rows={6}
      onInput={(text) => {
        change({ text });
      }}
    />
  );
}

function TextArea(props: {
  readonly id?: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly rows: number;
  readonly onInput: (words: string) => void;
}): VNode {
  const { id, label, hint, value, rows, onInput } = props;
  return (
    <label class="text-area">
      <span class="secondary">{label}</span>
      <textarea
        id={id}
        rows={rows}
        placeholder={hint}
        spellcheck={false}
        value={value}
        onInput={({ currentTarget }) => {
          onInput(currentTarget.value);
        }}
      />
    </label>
  );
}

function Deeds(): VNode {
  const { showsPrompt } = form.value;
  return (
    <div class="prompt-deeds">
      {isBusy.value ? (
        <button type="button" class="solid-button" title="Escape" onClick={stop}>
          <Icon name="debug-stop" /> Stop
        </button>
      ) : (
        <button type="button" class="solid-button" title="Ctrl+Enter or ⌘Enter" disabled={!canRun.value} onClick={run}>
          <Icon name="play" /> Run
        </button>
      )}
      <button type="button" class="link" onClick={togglePrompt}>
        {showsPrompt ? 'Hide Prompt' : 'Show Prompt'}
      </button>
    </div>
  );
}

function SamplingFields({ setup }: { readonly setup: PlaygroundSetup }): VNode {
  const written = form.value.sampling;
  const read = sampling.value;
  const wrong = read?.kind === 'wrong' ? read.fields : [];
  const isChanged = Object.keys(written).length > 0;
  return (
    <section class="sampling" aria-label="Sampling">
      {samplingFields.map(({ name, label }) => (
        <label key={name}>
          <span class="secondary">{label}</span>
          <input
            inputMode="decimal"
            aria-invalid={wrong.some((field) => field.name === name)}
            value={written[name] ?? `${setup.defaults[name]}`}
            onInput={({ currentTarget }) => {
              change({ sampling: { ...written, [name]: currentTarget.value } });
            }}
          />
        </label>
      ))}
      {wrong.map(({ name, rule }) => (
        <p class="sampling-rule" role="alert" key={name}>
          {rule}
        </p>
      ))}
      {isChanged && (
        <button
          type="button"
          class="link"
          onClick={() => {
            change({ sampling: {} });
          }}
        >
          As in the Run
        </button>
      )}
    </section>
  );
}
