// Bytes of equal meaning side by side: all first bytes of the elements, then all second ones, and so on.

/** `source` is whole elements of `width` bytes. */
export function splitPlanes(source: Buffer, width: number): Buffer {
  if (width === 1) return source;
  const count = source.length / width;
  const planes = Buffer.allocUnsafe(source.length);
  if (width === 2) {
    for (let i = 0, j = 0; i < count; i++, j += 2) {
      planes[i] = source[j]!;
      planes[count + i] = source[j + 1]!;
    }
    return planes;
  }
  for (let plane = 0; plane < width; plane++) {
    const to = plane * count;
    for (let i = 0, j = plane; i < count; i++, j += width) planes[to + i] = source[j]!;
  }
  return planes;
}

/** The reverse of `splitPlanes`. */
export function joinPlanes(planes: Buffer, width: number): Buffer {
  if (width === 1) return planes;
  const count = planes.length / width;
  const joined = Buffer.allocUnsafe(planes.length);
  for (let plane = 0; plane < width; plane++) {
    const from = plane * count;
    for (let i = 0, j = plane; i < count; i++, j += width) joined[j] = planes[from + i]!;
  }
  return joined;
}

/** Changes `target` to its difference from `base`, or back; both of equal length. False when all of it is zero. */
export function xorInto(target: Buffer, base: Buffer): boolean {
  const words = target.length >>> 2;
  let any = 0;
  if (target.byteOffset % 4 === 0 && base.byteOffset % 4 === 0) {
    const a = new Int32Array(target.buffer, target.byteOffset, words);
    const b = new Int32Array(base.buffer, base.byteOffset, words);
    for (let i = 0; i < words; i++) any |= a[i] = a[i]! ^ b[i]!;
  } else {
    for (let i = 0; i < words * 4; i++) any |= target[i] = target[i]! ^ base[i]!;
  }
  for (let i = words * 4; i < target.length; i++) any |= target[i] = target[i]! ^ base[i]!;
  return any !== 0;
}
