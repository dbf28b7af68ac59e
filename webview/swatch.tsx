import type { VNode } from 'preact';
import { colours, cssColour } from './colours';
import type { CurveSpec } from './panels';

/** A line, a line with points, a layer of a stack or a marked figure, as in the chart. */
export function Swatch(props: {
  readonly curve: Pick<CurveSpec, 'colour' | 'dash' | 'pattern'>;
  readonly shape: 'line' | 'points' | 'layer' | 'mark';
}): VNode {
  const { curve, shape } = props;
  const { highContrast } = colours.value;
  // Longer where the dashes alone tell, so that they are seen whole.
  const width = highContrast ? 26 : shape === 'points' ? 20 : 14;
  const strokeDasharray = shape === 'layer' && !highContrast ? undefined : curve.dash.join(' ');
  return (
    <svg
      class={shape === 'layer' ? `swatch fill ${curve.pattern}` : 'swatch'}
      width={width}
      height="10"
      style={{ color: cssColour(curve.colour), width }}
      aria-hidden="true"
    >
      {shape === 'layer' ? (
        <rect x="0.5" y="0.5" width={width - 1} height="9" style={{ strokeDasharray }} />
      ) : shape === 'mark' ? (
        <path d={`M${width / 2} 0.7l4.3 4.3l-4.3 4.3l-4.3 -4.3z`} fill="none" />
      ) : (
        <line x1="0" y1="5" x2={width} y2="5" style={{ strokeDasharray }} />
      )}
      {shape === 'points' && <circle cx={width / 2} cy="5" r="3" />}
    </svg>
  );
}
