import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Button, TextField } from './controls';
import { post } from './host';
import { Icon } from './icon';
import { pins, runs } from './page';

const mostShown = 60;

/** Any recorded metric as a further panel. */
export function MetricPicker(): VNode {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  if (!open) {
    return (
      <div class="metric-picker">
        <Button
          icon="add"
          label="Add metric…"
          onClick={() => {
            setOpen(true);
          }}
        />
      </div>
    );
  }
  const all = [...new Set(runs.value.flatMap(({ metrics }) => metrics))].sort();
  const found = all.filter((name) => name.includes(text.toLowerCase()));
  return (
    <div class="metric-picker open">
      <div class="picker-head">
        <TextField label="Search metrics" value={text} onInput={setText} />
        <Button
          label="Done"
          onClick={() => {
            setOpen(false);
          }}
        />
      </div>
      <ul class="picker-list" aria-label="Metrics">
        {found.slice(0, mostShown).map((name) => {
          const isPinned = pins.value.includes(name);
          return (
            <li key={name}>
              <button
                type="button"
                class="picker-item"
                aria-pressed={isPinned}
                onClick={() => {
                  toggle(name);
                }}
              >
                <Icon name={isPinned ? 'check' : 'add'} /> {name}
              </button>
            </li>
          );
        })}
        {found.length > mostShown && <li class="secondary">{found.length - mostShown} more</li>}
        {found.length === 0 && <li class="secondary">No metric has this in its name.</li>}
      </ul>
    </div>
  );
}

function toggle(name: string): void {
  const pinned = pins.peek();
  post({ kind: 'pins', metrics: pinned.includes(name) ? pinned.filter((one) => one !== name) : [...pinned, name] });
}
