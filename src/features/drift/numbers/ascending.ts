import { keyOf, wordsOf } from './bits.ts'
import { newRoom, type Room } from './room.ts'

// Sorting is most of what comparing samples costs. Numbers are told apart by the upper half of their bits nearly always:
// they are put in order by that, digit by digit, and the few that are still out of place are moved by hand.

const DIGITS = [0, 11, 22] as const
const SIZE = 2048
const MASK = SIZE - 1

/** Fewer values are sorted as fast without. */
const FEW = 20_000

/** Values that are still out of place are moved by hand so many steps in all, for each of them; else all are sorted anew. */
const STEPS = 4

/** Puts finite numbers in ascending order. The array is given away: the answer is it, or another of the room. */
export function ascending(values: Float64Array, room: Room = newRoom()): Float64Array {
  if (values.length < FEW) return values.toSorted()
  const upper = byUpperHalf(values, room)
  return isMended(upper) ? upper : upper.toSorted()
}

function byUpperHalf(values: Float64Array, room: Room): Float64Array {
  const length = values.length
  let from: Float64Array = values
  let to: Float64Array = room.take(length)
  const counts = DIGITS.map(() => new Uint32Array(SIZE))
  const [first, second, third] = counts as [Uint32Array, Uint32Array, Uint32Array]
  const words = wordsOf(from)
  for (let at = 1; at < 2 * length; at += 2) {
    const key = keyOf(words[at] as number)
    const [a, b, c] = [key & MASK, (key >>> 11) & MASK, key >>> 22]
    first[a] = (first[a] as number) + 1
    second[b] = (second[b] as number) + 1
    third[c] = (third[c] as number) + 1
  }
  for (const [pass, shift] of DIGITS.entries()) {
    const places = counts[pass] as Uint32Array
    if (places.includes(length)) continue
    let sum = 0
    for (let digit = 0; digit < SIZE; digit++) {
      const count = places[digit] as number
      places[digit] = sum
      sum += count
    }
    const keys = wordsOf(from)
    for (let at = 0; at < length; at++) {
      const digit = (keyOf(keys[2 * at + 1] as number) >>> shift) & MASK
      const place = places[digit] as number
      to[place] = from[at] as number
      places[digit] = place + 1
    }
    ;[from, to] = [to, from]
  }
  room.giveBack(to)
  return from
}

/** Moves what is out of place by hand; false where there is too much of it. */
function isMended(values: Float64Array): boolean {
  let steps = STEPS * values.length
  for (let at = 1; at < values.length; at++) {
    const value = values[at] as number
    let place = at
    while (place > 0 && (values[place - 1] as number) > value) {
      values[place] = values[place - 1] as number
      place--
      if (--steps < 0) {
        values[place] = value
        return false
      }
    }
    values[place] = value
  }
  return true
}
