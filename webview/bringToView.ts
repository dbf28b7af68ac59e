/** Scroll no farther than it takes to show what stands at `top` of an element's content; the focus stays where it is. */
export function bringToView(element: HTMLElement | null, top: number, height: number): void {
  if (element === null) return;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + height > element.scrollTop + element.clientHeight)
    element.scrollTop = top + height - element.clientHeight;
}
