const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)

/** The number that 16 bits stand for (IEEE 754 binary16); every one of them is exact. */
export function numberOfHalf(bits: number): number {
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** The 16 bits that are nearest to a number, ties to even; what is beyond them all is infinite. */
export function halfOfNumber(value: number): number {
  if (Number.isNaN(value)) return 0x7e00
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= 65_520) return sign | 0x7c00
  if (size < 2 ** -14) return sign | rounded(size * 2 ** 24)
  const exponent = exponentOf(size)
  // A fraction that is rounded up to 1024 carries into the exponent, which is what it should do.
  return sign | (((exponent + 15) << 10) + rounded((size / 2 ** exponent - 1) * 1024))
}

function exponentOf(size: number): number {
  float[0] = size
  // The machine is little-endian, as is everything that tensors go through.
  return (((words[1] as number) >>> 20) & 0x7ff) - 1023
}

function rounded(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
