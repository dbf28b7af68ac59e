import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';
import { h, type ComponentChildren, type VNode } from 'preact';
import { Icon, type IconName } from './icon';

/** Make the toolkit's elements known to the page. */
export function registerControls(): void {
  provideVSCodeDesignSystem().register(
    vsCodeButton(),
    vsCodeCheckbox(),
    vsCodeDropdown(),
    vsCodeOption(),
    vsCodeTextField(),
  );
}

/** One of the toolkit's elements; preact knows nothing of their properties. */
function element(name: string, properties: Readonly<Record<string, unknown>>, ...children: ComponentChildren[]): VNode {
  return h<Record<string, unknown>>(name, properties, ...children);
}

/** A button with a word; below 900 px an icon says it and the word is its tooltip. */
export function Button(props: {
  readonly icon?: IconName;
  readonly label: string;
  readonly primary?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}): VNode {
  const { icon, label, primary = false, disabled = false, onClick } = props;
  return element(
    'vscode-button',
    {
      appearance: primary ? 'primary' : 'secondary',
      class: icon === undefined ? 'button' : 'button with-icon',
      title: label,
      'aria-label': label,
      disabled,
      onClick,
    },
    icon === undefined ? null : <Icon name={icon} slot="start" />,
    <span class="button-label">{label}</span>,
  );
}

/** A choice of a few words. */
export function Dropdown<Value extends string>(props: {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChange: (value: Value) => void;
}): VNode {
  const { label, value, options, onChange } = props;
  return element(
    'vscode-dropdown',
    {
      'aria-label': label,
      title: label,
      class: 'dropdown',
      currentValue: value,
      value,
      onChange: ({ currentTarget }: { currentTarget: { value: string } }) => {
        const chosen = options.find(([option]) => option === currentTarget.value);
        if (chosen !== undefined) onChange(chosen[0]);
      },
    },
    options.map(([option, words]) =>
      element('vscode-option', { value: option, key: option, selected: option === value }, words),
    ),
  );
}

/** A line of text; told at every change. */
export function TextField(props: {
  readonly label: string;
  readonly value: string;
  readonly id?: string;
  readonly onInput: (value: string) => void;
  readonly onEnter?: () => void;
}): VNode {
  const { label, value, id, onInput, onEnter } = props;
  return element('vscode-text-field', {
    id,
    class: 'text-field',
    placeholder: label,
    'aria-label': label,
    value,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => {
      onInput(currentTarget.value);
    },
    onKeyDown: ({ key }: { key: string }) => {
      if (key === 'Enter') onEnter?.();
    },
  });
}

/** A box to tick. */
export function Checkbox(props: {
  readonly checked: boolean;
  readonly onChange: () => void;
  readonly children: ComponentChildren;
}): VNode {
  const { checked, onChange, children } = props;
  return element('vscode-checkbox', { class: 'checkbox', checked, onClick: onChange }, children);
}
