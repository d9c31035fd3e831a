/** The Mersenne Twister (Matsumoto and Nishimura, 1998) with Python's seeding, as plain JSON. */
export interface Twister {
  words: number[]
  index: number
}

const SIZE = 624
const SHIFT = 397

/** As `random.Random(seed)` of Python, for whole numbers from 0 to 2³² − 1. */
export function twisterOf(seed: number): Twister {
  const words = [19_650_218]
  for (let i = 1; i < SIZE; i++) words.push((scrambled(words, i, 1_812_433_253) + i) >>> 0)
  let i = 1
  for (let k = 0; k < SIZE; k++) {
    words[i] = ((at(words, i) ^ scrambled(words, i, 1_664_525)) + seed) >>> 0
    i = next(words, i)
  }
  for (let k = 0; k < SIZE - 1; k++) {
    words[i] = ((at(words, i) ^ scrambled(words, i, 1_566_083_941)) - i) >>> 0
    i = next(words, i)
  }
  words[0] = 0x80000000
  return { words, index: SIZE }
}

function scrambled(words: readonly number[], i: number, factor: number): number {
  const before = at(words, i - 1)
  return Math.imul(before ^ (before >>> 30), factor)
}

function next(words: number[], i: number): number {
  if (i + 1 < SIZE) return i + 1
  words[0] = at(words, SIZE - 1)
  return 1
}

/** This many different whole numbers below `below`, as Python's `sample` draws them from a range of under 277. */
export function sampleIndices(twister: Twister, below: number, count: number): number[] {
  const pool = Array.from({ length: below }, (_, index) => index)
  return Array.from({ length: count }, (_, drawn) => {
    const place = drawBelow(twister, below - drawn)
    const found = at(pool, place)
    pool[place] = at(pool, below - drawn - 1)
    return found
  })
}

function drawBelow(twister: Twister, below: number): number {
  const bits = 32 - Math.clz32(below)
  for (;;) {
    const draw = draw32(twister) >>> (32 - bits)
    if (draw < below) return draw
  }
}

function draw32(twister: Twister): number {
  if (twister.index >= SIZE) regenerate(twister)
  let y = at(twister.words, twister.index++)
  y ^= y >>> 11
  y ^= (y << 7) & 0x9d2c5680
  y ^= (y << 15) & 0xefc60000
  return (y ^ (y >>> 18)) >>> 0
}

function regenerate(twister: Twister): void {
  const { words } = twister
  for (let k = 0; k < SIZE; k++) {
    const y = (at(words, k) & 0x80000000) | (at(words, (k + 1) % SIZE) & 0x7fffffff)
    words[k] = (at(words, (k + SHIFT) % SIZE) ^ (y >>> 1) ^ ((y & 1) === 1 ? 0x9908b0df : 0)) >>> 0
  }
  twister.index = 0
}

function at(words: readonly number[], index: number): number {
  return words[index] as number
}
