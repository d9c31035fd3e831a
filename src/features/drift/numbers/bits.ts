/** The halves of each number, the upper one second, as all machines that this runs on have them. */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, 2 * values.length)
}

/** Of an upper half what is greater for greater numbers: those below zero count backwards. */
export function keyOf(word: number): number {
  return (word ^ ((word >> 31) | 0x8000_0000)) >>> 0
}
