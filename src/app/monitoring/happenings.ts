import type { Entry, LedgerReads } from '#ledger'
import type { Lineage } from '#lineage'
import type { Happening, Happenings } from '#monitoring'
import { versionName } from '#inference'
import type { Endpoint } from '#serving'

/** What can change what an endpoint answers, or what it is asked. */
export const CHANGES = [
  'branch-pushed',
  'dataset-version-added',
  'endpoint-declared',
  'external-data-recorded',
  'external-run-finished',
  'model-alias-moved',
  'model-version-registered',
  'pipeline-run-finished',
  'promotion-accepted',
  'revision-created',
  'rollout-completed',
  'rollout-failed',
  'rollout-started',
  'serving-process-restarted',
  'table-version-added',
  'traffic-divided',
]

const PAGE = 500

/** Entries beyond these are not looked through. */
const PAGES_MAX = 20

/** Reads the ledger back for what was done to an endpoint, its model, its project and what they come from. */
export function happeningsIn({
  read,
  lineage,
  find,
  types = CHANGES,
}: {
  types?: readonly string[]
  read: LedgerReads
  lineage: Lineage
  find: (endpoint: string) => Promise<Endpoint | undefined>
}): Happenings {
  return async (name, { fromMs, toMs }) => {
    const endpoint = await find(name)
    const names = namesOf(name, endpoint)
    const origins = await originsOf(lineage, endpoint)
    const found: Happening[] = []
    let before: number | undefined
    for (let page = 0; page < PAGES_MAX; page++) {
      const entries = await read.newest({
        limit: PAGE,
        types,
        ...(before === undefined ? {} : { before }),
      })
      for (const entry of entries) {
        const atMs = entry.eventMs ?? entry.atMs
        if (atMs >= fromMs && atMs < toMs && concerns(entry, { names, origins }))
          found.push({ position: entry.position, atMs, type: entry.type, detail: told(entry) })
      }
      before = entries.at(-1)?.position
      // What is told of the past is told later: entries are older than what they tell of only by clock skew.
      if (entries.length < PAGE || (entries.at(-1)?.atMs ?? 0) < fromMs) break
    }
    return found.toSorted((one, other) => other.atMs - one.atMs)
  }
}

function namesOf(name: string, endpoint: Endpoint | undefined): ReadonlySet<string | undefined> {
  const named = [name, endpoint?.live?.model, endpoint?.project]
  return new Set(named.filter((each) => each !== undefined && each !== ''))
}

/** What the live version came about by, one word for each thing. */
async function originsOf(
  lineage: Lineage,
  endpoint: Endpoint | undefined,
): Promise<ReadonlySet<string>> {
  if (endpoint?.live === null || endpoint === undefined) return new Set()
  const { stations } = await lineage.walkBack({
    kind: 'model-version',
    id: versionName(endpoint.live),
  })
  return new Set(stations.map(({ ref }) => `${ref.kind}/${ref.id}`))
}

function concerns(
  { data, edges }: Entry,
  { names, origins }: { names: ReadonlySet<string | undefined>; origins: ReadonlySet<string> },
): boolean {
  const isNamed = ['endpoint', 'model', 'project', 'registeredModel'].some((key) => {
    const value = data[key]
    return typeof value === 'string' && names.has(value)
  })
  return (
    isNamed ||
    edges.some(({ from, to }) => [from, to].some((ref) => origins.has(`${ref.kind}/${ref.id}`)))
  )
}

/** What the entry says in words and numbers; lists and objects are looked up there. */
function told({ type, data, actor }: Entry): string {
  const { why, policy } = data
  if (typeof why === 'string' && typeof policy === 'string')
    return `${type.replaceAll('-', ' ')}: ${policy}, for ${why}`
  const parts = Object.entries(data).flatMap(([key, value]) =>
    (typeof value === 'string' && value !== '') ||
    typeof value === 'number' ||
    typeof value === 'boolean'
      ? [`${key} ${String(value)}`]
      : [],
  )
  return `${type.replaceAll('-', ' ')} by ${actor.id} (${parts.slice(0, 4).join(', ')})`
}
