import type { Client } from './client.ts'

/** Clients of one kind, with a book of all that they were promised. */
export interface Workload {
  readonly name: string
  /** Called once, while the server is left in peace. */
  prepare(client: Client): Promise<void>
  /** Writes until it loses the server or is told to stop. */
  write(client: Client, signal: AbortSignal): Promise<void>
  /** With the server back: settles what is in doubt and gives what does not hold, in words. */
  settle(client: Client): Promise<string[]>
  /** At the end, all that was ever promised. */
  review(client: Client): Promise<string[]>
  /** What it has been promised, for the summary. */
  counts(): Readonly<Record<string, number>>
}

/** Things that were done for certain, and things that may have been. */
export interface Book<Key extends string | number, Value extends string | number> {
  enter(key: Key, value: Value, answered: boolean): void
  /** What differs between the book and what is kept: each sure thing once, each doubtful one at most once, and nothing else. */
  differences(what: string, kept: readonly (readonly [Key, Value])[]): string[]
  sure(): number
}

export function newBook<Key extends string | number, Value extends string | number>(): Book<
  Key,
  Value
> {
  const entered = new Map<Key, { value: Value; sure: boolean }>()
  return {
    enter: (key, value, answered) => void entered.set(key, { value, sure: answered }),
    differences: (what, kept) => {
      const found = new Map<Key, number>()
      const wrong: string[] = []
      for (const [key, value] of kept) {
        found.set(key, (found.get(key) ?? 0) + 1)
        const entry = entered.get(key)
        if (entry === undefined) wrong.push(`${what}: ${key} is there and was never written`)
        else if (entry.value !== value)
          wrong.push(`${what}: ${key} is ${value} and was written as ${entry.value}`)
      }
      for (const [key, { sure }] of entered) {
        const times = found.get(key) ?? 0
        if (times > 1) wrong.push(`${what}: ${key} is there ${times} times`)
        if (times === 0 && sure) wrong.push(`${what}: ${key} was acknowledged and is lost`)
      }
      return wrong
    },
    sure: () => [...entered.values()].filter((entry) => entry.sure).length,
  }
}

/** Things that change: of each it is known where it surely was, and where it may have gone since. */
export interface MovingBook<Value> {
  enter(key: string, value: Value, answered: boolean): void
  /** What is kept otherwise than the book allows. From here on it is known where each is. */
  differences(what: string, kept: ReadonlyMap<string, Value>): string[]
  moves(): number
}

/** `absent` stands for what is not there. */
export function newMovingBook<Value extends string | number>(absent: Value): MovingBook<Value> {
  const entered = new Map<string, { sure: Value; maybe: Value[] }>()
  let moves = 0
  return {
    enter: (key, value, answered) => {
      const { sure, maybe } = entered.get(key) ?? { sure: absent, maybe: [] }
      if (answered) moves += 1
      entered.set(key, answered ? { sure: value, maybe: [] } : { sure, maybe: [...maybe, value] })
    },
    differences: (what, kept) => {
      const wrong = [...kept.keys()]
        .filter((key) => !entered.has(key))
        .map((key) => `${what}: ${key} is there and was never written`)
      for (const [key, { sure, maybe }] of entered) {
        const now = kept.get(key) ?? absent
        if (![sure, ...maybe].includes(now))
          wrong.push(
            `${what}: ${key} is ${now}, was surely ${sure}, perhaps ${maybe.join(', ') || 'nothing else'}`,
          )
        entered.set(key, { sure: now, maybe: [] })
      }
      return wrong
    },
    moves: () => moves,
  }
}
