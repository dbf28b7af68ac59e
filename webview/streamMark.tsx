import type { VNode } from 'preact';
import { cssColour, type ColourName } from './colours';

/** The sign of a stream, as the scatter draws it. */
export function StreamMark({ stream, colour }: { readonly stream: number; readonly colour: ColourName }): VNode {
  return (
    <svg class="stream-mark" width="12" height="12" style={{ color: cssColour(colour) }} aria-hidden="true">
      {stream === 0 ? (
        <circle cx="6" cy="6" r="3.5" />
      ) : (
        <path d={['', 'M2.5 2.5L9.5 9.5M2.5 9.5L9.5 2.5', 'M2.5 2.5H9.5V9.5H2.5Z', 'M6 1.5L10.5 9.5H1.5Z'][stream]} />
      )}
    </svg>
  );
}
