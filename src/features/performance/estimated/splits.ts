/** Numbers of MT19937 (Matsumoto and Nishimura, 1998), so that a split is the one that NumPy makes of the same seed. */
export interface Twister {
  /** A whole number from 0 to `most`. */
  upTo(most: number): number
}

const SIZE = 624
const SHIFT = 397

export function twister(seed: number): Twister {
  const state = new Uint32Array(SIZE)
  state[0] = seed
  for (let index = 1; index < SIZE; index++) {
    const before = state[index - 1] as number
    state[index] = Math.imul(1_812_433_253, before ^ (before >>> 30)) + index
  }
  let place = SIZE
  const next = (): number => {
    if (place === SIZE) {
      twist(state)
      place = 0
    }
    let value = state[place++] as number
    value ^= value >>> 11
    value ^= (value << 7) & 0x9d2c_5680
    value ^= (value << 15) & 0xefc6_0000
    return (value ^ (value >>> 18)) >>> 0
  }
  return {
    upTo: (most) => {
      if (most === 0) return 0
      const mask = 2 ** (32 - Math.clz32(most)) - 1
      let value = (next() & mask) >>> 0
      while (value > most) value = (next() & mask) >>> 0
      return value
    },
  }
}

function twist(state: Uint32Array): void {
  for (let index = 0; index < SIZE; index++) {
    const pair =
      ((state[index] as number) & 0x8000_0000) |
      ((state[(index + 1) % SIZE] as number) & 0x7fff_ffff)
    state[index] =
      (state[(index + SHIFT) % SIZE] as number) ^
      (pair >>> 1) ^
      ((pair & 1) === 0 ? 0 : 0x9908_b0df)
  }
}

export interface Split {
  readonly train: Uint32Array
  readonly test: Uint32Array
}

/** Random splits in which both sides have the classes in the shares of the whole, as scikit-learn makes them. */
export function stratifiedSplits(
  labels: ArrayLike<number>,
  { count, testShare, seed }: { count: number; testShare: number; seed: number },
): Split[] {
  const random = twister(seed)
  const rows = Uint32Array.from({ length: labels.length }, (_, index) => index)
  const byClass = [0, 1].map((label) => rows.filter((row) => labels[row] === label))
  const sizes = byClass.map(({ length }) => length)
  const testCount = Math.ceil(labels.length * testShare)
  return Array.from({ length: count }, () => {
    const train = shared(sizes, labels.length - testCount, random)
    const left = sizes.map((size, index) => size - (train[index] as number))
    const test = shared(left, testCount, random)
    const mixed = byClass.map((each) => shuffled(each, random))
    const part = (from: readonly number[], many: readonly number[]) =>
      shuffled(joined(mixed.map((each, index) => slice(each, from[index], many[index]))), random)
    return { train: part([0, 0], train), test: part(train, test) }
  })
}

function slice(rows: Uint32Array, from = 0, many = 0): Uint32Array {
  return rows.subarray(from, from + many)
}

function joined([one = new Uint32Array(), other = new Uint32Array()]: Uint32Array[]): Uint32Array {
  const all = new Uint32Array(one.length + other.length)
  all.set(one)
  all.set(other, one.length)
  return all
}

/** How many of `draws` each class gets: its share rounded down, and one more for the largest remainders. */
function shared(sizes: readonly number[], draws: number, random: Twister): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  const exact = sizes.map((size) => (size / all) * draws)
  const given = exact.map(Math.floor)
  const rest = exact.map((share, index) => share - (given[index] as number))
  let open = draws - given.reduce((sum, each) => sum + each, 0)
  for (const value of [...new Set(rest)].toSorted((one, other) => other - one)) {
    if (open <= 0) break
    const same = Uint32Array.from(rest.flatMap((each, index) => (each === value ? [index] : [])))
    const chosen = shuffled(same, random).subarray(0, open)
    for (const index of chosen) given[index] = (given[index] as number) + 1
    open -= chosen.length
  }
  return given
}

function shuffled(values: Uint32Array, random: Twister): Uint32Array {
  const mixed = values.slice()
  for (let index = mixed.length - 1; index > 0; index--) {
    const other = random.upTo(index)
    const value = mixed[index] as number
    mixed[index] = mixed[other] as number
    mixed[other] = value
  }
  return mixed
}
