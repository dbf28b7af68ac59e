/** CRC-32 as zlib computes it, of `bytes` from `start` on. */
export function crc32(bytes: Uint8Array, start = 0): number {
  let crc = 0xffffffff;
  let at = start;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Four bytes at a time: each table holds the effect of a byte that many places ahead.
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= view.getUint32(at, true);
    crc = entry(3, crc & 0xff) ^ entry(2, (crc >>> 8) & 0xff) ^ entry(1, (crc >>> 16) & 0xff) ^ entry(0, crc >>> 24);
  }
  for (; at < bytes.length; at += 1) crc = entry(0, (crc ^ view.getUint8(at)) & 0xff) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const polynomial = 0xedb88320;
const tables = makeTables();

function entry(table: number, byte: number): number {
  return tables[table * 256 + byte] ?? 0;
}

function makeTables(): Int32Array {
  const made = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at += 1) {
    const before = made[at - 256] ?? 0;
    made[at] = (made[before & 0xff] ?? 0) ^ (before >>> 8);
  }
  return made;
}
