/** How a demonstration token's probability becomes its ratio f(p): SRFT's Eq. 10 takes p itself, LUFFY shapes it. */
export type DemonstrationRatio = { readonly kind: 'shaped'; readonly gamma: number } | { readonly kind: 'identity' };

/** The ratio that a run's recipe names, as the trainer resolved it; null where its method has none, or does not say. */
export function ratioOfRecipe(recipe: Readonly<Record<string, unknown>>): DemonstrationRatio | null {
  const method = recipe['method'];
  if (!isRecord(method)) return null;
  const gamma = method['gamma'];
  const shaped = typeof gamma === 'number' && gamma > 0 ? ({ kind: 'shaped', gamma } as const) : null;
  switch (method['kind']) {
    case 'luffy':
      return shaped;
    case 'srft':
      if (method['demo_ratio'] === 'identity') return { kind: 'identity' };
      return method['demo_ratio'] === 'shaped' ? shaped : null;
    default:
      return null;
  }
}

/** f(p). */
export function ratioAt(ratio: DemonstrationRatio, probability: number): number {
  return ratio.kind === 'identity' ? probability : probability / (probability + ratio.gamma);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
