import type { Json } from '#base/json'
import type { Fact } from '#ledger'

/** A fact without numbers that JSON has no word for: infinities of inputs would keep it out of the ledger. */
export function plainFact(fact: Fact): Fact {
  return { ...fact, data: plain(fact.data) as Fact['data'] }
}

function plain(value: Json | undefined): Json | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each: Json) => plain(each) ?? null)
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => {
      const kept = plain(each)
      return kept === undefined ? [] : [[name, kept]]
    }),
  )
}
