/** 2^11 registers: the standard error of a count is 1.04 / √2048, which is 2.3 %. */
const INDEX_BITS = 11
export const REGISTERS = 2 ** INDEX_BITS

/** The most that a register can say: the place of the first one among 32 bits, or none of them. */
const RANK_MAX = 33

/** Registers of a HyperLogLog (Flajolet, Fusy, Gandouet and Meunier, 2007) that has seen nothing. */
export function emptyRegisters(): Uint8Array {
  return new Uint8Array(REGISTERS)
}

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

export function noteNumber(registers: Uint8Array, value: number): void {
  double[0] = value
  note(registers, mixed((words[0] as number) ^ mixed(words[1] as number)), words[0] as number)
}

export function noteText(registers: Uint8Array, text: string): void {
  const [one, other] = hashesOf(text)
  note(registers, one, other)
}

function note(registers: Uint8Array, one: number, other: number): void {
  const index = one >>> (32 - INDEX_BITS)
  const rank = Math.clz32(mixed(other ^ Math.imul(one, 0x9e3779b1))) + 1
  if (rank > (registers[index] as number)) registers[index] = rank
}

export function uniteRegisters(into: Uint8Array, other: Uint8Array): void {
  for (let index = 0; index < REGISTERS; index++)
    if ((other[index] as number) > (into[index] as number)) into[index] = other[index] as number
}

/** How many different things were noted: the estimator of Ertl (2017), which needs no tables for few or many. */
export function distinctIn(registers: Uint8Array): number {
  const ranks = new Float64Array(RANK_MAX + 1)
  for (const rank of registers) ranks[rank] = (ranks[rank] as number) + 1
  let sum = REGISTERS * tau(1 - (ranks[RANK_MAX] as number) / REGISTERS)
  for (let rank = RANK_MAX - 1; rank >= 1; rank--) sum = 0.5 * (sum + (ranks[rank] as number))
  sum += REGISTERS * sigma((ranks[0] as number) / REGISTERS)
  return REGISTERS ** 2 / (2 * Math.LN2 * sum)
}

function sigma(share: number): number {
  if (share === 1) return Infinity
  let [x, y, sum, before] = [share, 1, share, Number.NaN]
  while (sum !== before) {
    before = sum
    x *= x
    sum += x * y
    y += y
  }
  return sum
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let [x, y, sum, before] = [share, 1, 1 - share, Number.NaN]
  while (sum !== before) {
    before = sum
    x = Math.sqrt(x)
    y *= 0.5
    sum -= (1 - x) ** 2 * y
  }
  return sum / 3
}

/** The last step of MurmurHash3: each bit of the input moves half of the output's. */
function mixed(word: number): number {
  let hash = word ^ (word >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Two hashes of 32 bits, by FNV-1a over the text's units and one that turns them. */
export function hashesOf(text: string): [number, number] {
  let [one, other] = [0x811c9dc5, 0x9e3779b9 ^ text.length]
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    one = Math.imul(one ^ unit, 0x01000193)
    other = Math.imul((other << 5) ^ (other >>> 27) ^ unit, 0x27d4eb2d)
  }
  return [mixed(one), mixed(other)]
}
