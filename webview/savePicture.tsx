import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from './controls';
import { post } from './host';
import { pngPicture, svgPicture } from './picture';

/** A small menu: the charts as they stand, as a picture. */
export function SavePicture({ name }: { readonly name: string }): VNode {
  const [open, setOpen] = useState(false);
  const save = (format: 'png' | 'svg') => (): void => {
    setOpen(false);
    const picture = format === 'png' ? pngPicture() : Promise.resolve(svgPicture());
    void picture.then((data) => {
      if (data !== null) post({ kind: 'saveImage', format, name: fileName(name, format), data });
    });
  };
  return (
    <div class="menu">
      <Button
        icon="device-camera"
        label="Save Picture"
        onClick={() => {
          setOpen(!open);
        }}
      />
      {open && (
        <div
          class="menu-items"
          role="menu"
          onKeyDown={({ key }) => {
            if (key === 'Escape') setOpen(false);
          }}
        >
          <button type="button" role="menuitem" onClick={save('png')}>
            PNG
          </button>
          <button type="button" role="menuitem" onClick={save('svg')}>
            SVG
          </button>
        </div>
      )}
    </div>
  );
}

function fileName(name: string, format: string): string {
  const plain = name.replace(/[^A-Za-z0-9 ._-]/g, '-').slice(0, 60);
  return `${plain || 'run'}.${format}`;
}
