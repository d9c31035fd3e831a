import { canonicalJson } from '#base/json'
import { Problem } from '#base/problem'
import type { Actor, Edge, Entry, Fact } from './fact.ts'

/** Entry bundles of C2SP tlog-tiles count an entry's bytes in 16 bits. */
export const ENTRY_BYTES_MAX = 65_535

export function entryOf(
  fact: Fact,
  place: { position: number; atMs: number; actor: Actor },
): Entry {
  return { ...place, ...fact, edges: fact.edges ?? [] }
}

/** The text of an entry that its leaf hash covers. Throws a `limit` problem when it is too long to keep. */
export function textOf(entry: Entry): string {
  const text = canonicalJson({
    v: 1,
    position: entry.position,
    at: entry.atMs,
    actor: entry.actor,
    type: entry.type,
    data: entry.data,
    edges: entry.edges,
    ...(entry.eventMs === undefined ? {} : { event: entry.eventMs }),
  })
  if (Buffer.byteLength(text) > ENTRY_BYTES_MAX)
    throw new Problem(
      'limit',
      `the fact ${entry.type} is over ${ENTRY_BYTES_MAX} bytes; keep its detail as an object and name the digest`,
    )
  return text
}

/** Reads back what `textOf` wrote. */
export function entryIn(text: string): Entry {
  const raw = JSON.parse(text) as {
    position: number
    at: number
    actor: Actor
    type: string
    data: Entry['data']
    edges: Edge[]
    event?: number
  }
  return {
    position: raw.position,
    atMs: raw.at,
    actor: raw.actor,
    type: raw.type,
    data: raw.data,
    edges: raw.edges,
    ...(raw.event === undefined ? {} : { eventMs: raw.event }),
  }
}
