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
