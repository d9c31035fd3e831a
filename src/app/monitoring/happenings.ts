import type { Entry, LedgerReads } from '#ledger'
import type { Lineage, Walk } from '#lineage'
import type { Happening, Happenings } from '#monitoring'
import { versionName } from '#inference'
import type { Endpoint } from '#serving'
import { STEPS, upstreamOf, type Upstream, type UpstreamReads } from './upstream.ts'

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
  'stage-run-finished',
  'stage-skipped',
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
  upstream: steps,
  find,
  types = CHANGES,
}: {
  types?: readonly string[]
  read: LedgerReads
  lineage: Lineage
  upstream: UpstreamReads
  find: (endpoint: string) => Promise<Endpoint | undefined>
}): Happenings {
  return async (name, { fromMs, toMs, modelVersion }) => {
    const endpoint = await find(name)
    const version = modelVersion ?? liveOf(endpoint)
    const walk = await walkOf(lineage, version)
    const look: Look = {
      names: namesOf(name, endpoint, version),
      origins: new Set(walk.stations.map(({ ref }) => `${ref.kind}/${ref.id}`)),
      upstream: await upstreamOf(walk, steps),
      told: new Set(),
    }
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
        if (atMs < fromMs || atMs >= toMs) continue
        const detail = await detailOf(entry, look)
        if (detail !== undefined)
          found.push({ position: entry.position, atMs, type: entry.type, detail })
      }
      before = entries.at(-1)?.position
      // What is told of the past is told later: entries are older than what they tell of only by clock skew.
      if (entries.length < PAGE || (entries.at(-1)?.atMs ?? 0) < fromMs) break
    }
    return found.toSorted((one, other) => other.atMs - one.atMs)
  }
}

interface Look {
  readonly names: ReadonlySet<string | undefined>
  /** What the version came about by, one word for each thing. */
  readonly origins: ReadonlySet<string>
  readonly upstream: Upstream
  /** Steps upstream that were told already: of each only the newest run. */
  readonly told: Set<string>
}

async function detailOf(entry: Entry, { told: steps, ...look }: Look): Promise<string | undefined> {
  if (!STEPS.has(entry.type)) return concerns(entry, look) ? told(entry) : undefined
  const found = await look.upstream.told(entry)
  if (found === undefined || steps.has(found.step)) return undefined
  steps.add(found.step)
  return found.detail
}

function liveOf(endpoint: Endpoint | undefined): string | undefined {
  return endpoint?.live === null || endpoint === undefined ? undefined : versionName(endpoint.live)
}

function namesOf(
  name: string,
  endpoint: Endpoint | undefined,
  version: string | undefined,
): ReadonlySet<string | undefined> {
  const model = endpoint?.live?.model ?? version?.split('/')[0]
  const named = [name, model, endpoint?.project]
  return new Set(named.filter((each) => each !== undefined && each !== ''))
}

async function walkOf(
  lineage: Lineage,
  version: string | undefined,
): Promise<Pick<Walk, 'stations' | 'edges'>> {
  if (version === undefined) return { stations: [], edges: [] }
  return lineage.walkBack({ kind: 'model-version', id: version })
}

function concerns(
  { data, edges }: Entry,
  { names, origins }: Pick<Look, 'names' | 'origins'>,
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
