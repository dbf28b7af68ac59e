import { signal } from '@preact/signals';

const expressions = {
  demo: 'var(--vscode-srft-demo, #d58fcb)',
  right: 'var(--vscode-srft-right, #5ba8f5)',
  wrong: 'var(--vscode-srft-wrong, #f0a24a)',
  rollout: 'var(--vscode-srft-rollout, #45c2a0)',
  heldOut: 'var(--vscode-srft-heldOut, #e6e6e6)',
  timeGenerate: 'var(--vscode-srft-timeGenerate, #8fa6bd)',
  timeScore: 'var(--vscode-srft-timeScore, #d5dee6)',
  timeTrain: 'var(--vscode-srft-timeTrain, #62798f)',
  timeOther: 'var(--vscode-srft-timeOther, #8b99a6)',
  text: 'var(--vscode-foreground)',
  secondary: 'color-mix(in srgb, var(--vscode-foreground) 80%, var(--vscode-editor-background))',
  grid: 'color-mix(in srgb, var(--vscode-foreground) 12%, var(--vscode-editor-background))',
  background: 'var(--vscode-editor-background)',
  warning: 'var(--vscode-editorWarning-foreground, #cca700)',
  error: 'var(--vscode-editorError-foreground, #f85149)',
  run0: 'var(--vscode-charts-blue, #3794ff)',
  // Not charts.orange, which is translucent in the dark themes.
  run1: 'var(--vscode-srft-wrong, #d18616)',
  run2: 'var(--vscode-charts-green, #89d185)',
  run3: 'var(--vscode-charts-purple, #b180d7)',
  run4: 'var(--vscode-charts-yellow, #cca700)',
  run5: 'var(--vscode-charts-red, #f14c4c)',
  run6: 'var(--vscode-srft-rollout, #45c2a0)',
  run7: 'var(--vscode-foreground)',
} as const;

export type ColourName = keyof typeof expressions;

/** Colours as a canvas takes them, and whether fills are to be left off. */
export interface Colours {
  readonly of: Readonly<Record<ColourName, string>>;
  readonly highContrast: boolean;
}

/** The theme's colours; new ones when the theme changes. */
export const colours = signal<Colours>(readColours());

/** The colour of the n-th compared run. */
export function runColour(run: number): ColourName {
  const names: readonly ColourName[] = ['run0', 'run1', 'run2', 'run3', 'run4', 'run5', 'run6', 'run7'];
  return names[run % names.length] ?? 'run0';
}

/** The same colour for style sheets, where it follows the theme by itself. */
export function cssColour(name: ColourName): string {
  return expressions[name];
}

/** Read the colours again whenever the theme changes; VS Code then rewrites class and style of the page. */
export function followTheme(): void {
  const observer = new MutationObserver(() => {
    colours.value = readColours();
  });
  const options = { attributes: true, attributeFilter: ['class', 'style'] };
  observer.observe(document.body, options);
  observer.observe(document.documentElement, options);
}

function readColours(): Colours {
  const probe = document.createElement('span');
  document.body.append(probe);
  const resolved = (expression: string): string => {
    probe.style.color = '';
    probe.style.color = expression;
    return getComputedStyle(probe).color;
  };
  const of = Object.fromEntries(Object.entries(expressions).map(([name, value]) => [name, resolved(value)]));
  probe.remove();
  return {
    of: of as Record<ColourName, string>,
    highContrast: document.body.classList.contains('vscode-high-contrast'),
  };
}
