import type { DecoderConfig } from './model';
export function rotaryTables(
  config: DecoderConfig,
  positions: Int32Array,
  _length: number,
): { cosine: Float32Array; sine: Float32Array } {
  const half = config.headSize / 2;
  const cosine = new Float32Array(positions.length * half);
  const sine = new Float32Array(positions.length * half);
  positions.forEach((position, row) => {
    for (let j = 0; j < half; j += 1) {
      const angle = position * config.ropeTheta ** ((-2 * j) / config.headSize);
      cosine[row * half + j] = Math.cos(angle);
      sine[row * half + j] = Math.sin(angle);
    }
  });
  return { cosine, sine };
}
