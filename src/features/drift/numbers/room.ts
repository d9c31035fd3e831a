/**
 * Arrays that are used again: the system clears every page of a new one, and V8 walks the whole heap for each 64 MB
 * of them, which together costs more than to sort what is in them.
 */
export interface Room {
  /** An array with anything in it. */
  take(length: number): Float64Array
  /** Nobody reads it any more. */
  giveBack(array: Float64Array): void
}

export function newRoom(): Room {
  const free: ArrayBufferLike[] = []
  return {
    take: (length) => {
      const bytes = length * Float64Array.BYTES_PER_ELEMENT
      const at = free.findIndex(({ byteLength }) => byteLength >= bytes)
      const [buffer] = at === -1 ? [] : free.splice(at, 1)
      return buffer === undefined ? new Float64Array(length) : new Float64Array(buffer, 0, length)
    },
    giveBack: ({ buffer }) => void free.push(buffer),
  }
}
