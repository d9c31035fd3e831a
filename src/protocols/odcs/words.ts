import type { Plain } from '#contracts'
import type { ContractProblem, Place } from './yaml.ts'

/** Reads values out of a contract and notes what is not as it should be. */
export interface Reader {
  readonly problems: ContractProblem[]
  fault(place: Place, message: string): undefined
  text(place: Place | undefined): string | undefined
  number(place: Place | undefined): number | undefined
  flag(place: Place | undefined): boolean
  /** One of some words. */
  word<W extends string>(place: Place | undefined, words: readonly W[]): W | undefined
  /** Text, numbers and booleans of a list; null is left out. */
  plains(place: Place | undefined): Plain[]
  list(place: Place | undefined): readonly Place[]
}

/** A contract with more faults than this is no contract; nobody reads on. */
const PROBLEMS_MAX = 100

export function createReader(): Reader {
  const problems: ContractProblem[] = []
  const fault = (place: Place, message: string): undefined => {
    if (problems.length < PROBLEMS_MAX) problems.push({ line: place.line, key: place.key, message })
    return undefined
  }
  return {
    problems,
    fault,
    text: (place) => {
      if (isAbsent(place)) return undefined
      const { value } = place
      if (typeof value === 'string') return value
      return fault(place, `it must be text, and is ${shown(value)}`)
    },
    number: (place) => {
      if (isAbsent(place)) return undefined
      const { value } = place
      if (typeof value === 'number' && Number.isFinite(value)) return value
      return fault(place, `it must be a number, and is ${shown(value)}`)
    },
    flag: (place) => {
      if (isAbsent(place)) return false
      if (typeof place.value === 'boolean') return place.value
      fault(place, `it must be true or false, and is ${shown(place.value)}`)
      return false
    },
    word: (place, words) => {
      if (isAbsent(place)) return undefined
      const found = words.find((word) => word === place.value)
      return (
        found ?? fault(place, `it must be one of ${words.join(', ')}, and is ${shown(place.value)}`)
      )
    },
    plains: (place) => {
      if (isAbsent(place)) return []
      if (!Array.isArray(place.value)) {
        fault(place, `it must be a list, and is ${shown(place.value)}`)
        return []
      }
      return place.items().flatMap((item): Plain[] => {
        const { value } = item
        if (value === null || value === undefined) return []
        if (typeof value === 'string' || typeof value === 'boolean') return [value]
        if (typeof value === 'number' && !Number.isNaN(value)) return [value]
        fault(item, `it must be text, a number or true or false, and is ${shown(value)}`)
        return []
      })
    },
    list: (place) => {
      if (isAbsent(place)) return []
      if (Array.isArray(place.value)) return place.items()
      fault(place, `it must be a list, and is ${shown(place.value)}`)
      return []
    },
  }
}

function isAbsent(place: Place | undefined): place is undefined {
  return place === undefined || place.value === null || place.value === undefined
}

const SHOWN_CHARACTERS = 60

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}
