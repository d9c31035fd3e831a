import { exactNumber } from '../tensor.ts'

/** The number that Python's `float` reads in a text; the text if it reads none. */
export function numberIn(text: string): string | number {
  const plain = text.trim()
  const [, sign, word] = /^([+-]?)(nan|inf|infinity)$/i.exec(plain) ?? []
  if (word?.toLowerCase() === 'nan') return Number.NaN
  if (word !== undefined) return sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain) ? Number(plain) : text
}

/** The whole number that Python's `int` reads in a text; the text if it reads none. */
export function wholeIn(text: string): string | number | bigint {
  const plain = text.trim()
  // Nothing that is longer fits 64 bits, and BigInt reads no plus sign.
  return /^[+-]?\d{1,20}$/.test(plain) ? exactNumber(BigInt(plain.replace('+', ''))) : text
}
